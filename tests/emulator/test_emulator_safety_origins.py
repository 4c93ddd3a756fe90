"""Pages of other sites read what players and uploads of end users need, and nothing else."""

import pytest
from emulator_kit import running

ORIGINS = ("https://evil.example", "null", "http://localhost", "http://127.0.0.1:1")


@pytest.mark.parametrize("origin", ORIGINS)
async def test_no_other_site_reads_the_api_the_control_or_the_pages(origin: str) -> None:
    async with running() as api:
        created = await api.create(2000)
        uid = created.headers["stream-media-id"]
        account = api.emulator.base_url.removesuffix("/client/v4")
        closed = [
            *((verb, api.path("")) for verb in ("GET", "POST", "OPTIONS")),
            *((verb, api.path(f"/{uid}")) for verb in ("GET", "DELETE", "OPTIONS")),
            *((verb, api.path("/keys")) for verb in ("GET", "POST")),
            *((verb, created.headers["Location"]) for verb in ("HEAD", "PATCH", "OPTIONS")),
            *(("GET", api.emulator.url(path)) for path in ("/", "/_emulator", f"/{uid}/watch", f"/{uid}/iframe")),
            ("POST", api.emulator.url("/_emulator/reset")),
            ("OPTIONS", api.emulator.url("/_emulator/reset")),
            ("POST", f"{account}/client/v4/graphql"),
        ]
        for verb, url in closed:
            for token in ("", None):
                if "reset" in url and token == "":
                    continue
                asked = {"Origin": origin, "Access-Control-Request-Method": verb, "Tus-Resumable": "1.0.0"}
                answer = await api.call(verb, url, token=token, headers=asked)
                found = {name for name in answer.headers if name.lower().startswith("access-control-")}
                assert not found, (verb, url)


@pytest.mark.parametrize("origin", ORIGINS)
async def test_every_site_plays_and_uploads_without_credentials_of_its_own(origin: str) -> None:
    async with running() as api:
        direct = await api.create(2000, query="?direct_user=true")
        uid = direct.headers["stream-media-id"]
        form = (await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 10})).result["uploadURL"]
        opened = [
            *((verb, direct.headers["Location"]) for verb in ("OPTIONS", "HEAD", "PATCH")),
            *((verb, form) for verb in ("OPTIONS", "POST")),
            ("GET", api.emulator.url(f"/{uid}/manifest/video.m3u8")),
            ("GET", api.emulator.url(f"/{uid}/thumbnails/thumbnail.jpg")),
        ]
        for verb, url in opened:
            answer = await api.call(verb, url, token=None, headers={"Origin": origin})
            assert answer.headers["Access-Control-Allow-Origin"] == "*", (verb, url)
            assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_page_of_another_site_changes_nothing_without_the_token() -> None:
    async with running() as api:
        for path in ("/_emulator/reset", "/_emulator/faults", "/_emulator/clock"):
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                headers = {"Origin": "https://evil.example", "Content-Type": kind, "Sec-Fetch-Site": "cross-site"}
                url = api.emulator.url(path)
                answer = await api.call("POST", url, token=None, headers=headers, data=b'{"advance": 9}')
                assert answer.status == 401
