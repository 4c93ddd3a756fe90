"""A server whose certificate does not hold is never spoken to, and no variable of the environment changes that."""

import asyncio
import datetime as dt
import ipaddress
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from raw_server import http
from unit_kit import ACCOUNT, TOKEN, UID, all_words, envelope, hasty, video

from cfstream import Stream, TransportError

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
GOOD, BAD = "good", {"self-signed": "self", "another host": "certificate", "expired": "expired"}


# --- certificates ------------------------------------------------------------------------------------------------


@attrs.frozen
class Issuer:
    """An authority that certifies names."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, name: str) -> "Issuer":
        return cls(_name(name), ec.generate_private_key(ec.SECP256R1()))

    def certify(
        self, key: ec.EllipticCurvePrivateKey, hosts: Sequence[x509.GeneralName], *, until: dt.datetime
    ) -> x509.Certificate:
        authority = not hosts
        made = (
            x509.CertificateBuilder()
            .subject_name(self.name if key is self.key else _name("server"))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 10 * DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_usage(authority=authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return made.sign(self.key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Path:
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    here: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    elsewhere: list[x509.GeneralName] = [x509.DNSName("api.cloudflare.com")]
    authority, stranger = Issuer.new("Test Authority"), Issuer.new("nobody")
    key = ec.generate_private_key(ec.SECP256R1())
    return {
        "authority": write(folder, "authority", authority.certify(authority.key, [], until=NOW + DAY), authority.key),
        GOOD: write(folder, "good", authority.certify(key, here, until=NOW + DAY), key),
        "another host": write(folder, "other", authority.certify(key, elsewhere, until=NOW + DAY), key),
        "expired": write(folder, "expired", authority.certify(key, here, until=NOW - DAY), key),
        "self-signed": write(folder, "self", stranger.certify(stranger.key, here, until=NOW + DAY), stranger.key),
    }


# --- servers -----------------------------------------------------------------------------------------------------


@attrs.define
class Secure:
    """A TLS server that counts who came and what was asked."""

    url: str = ""
    connections: int = 0
    heads: list[bytes] = attrs.field(factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(http("200 OK", envelope(video())))
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def secure(certificate: Path) -> AsyncIterator[Secure]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Secure()

    def count(*_: Any) -> None:
        server.connections += 1

    context.sni_callback = count
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


def client(server: Secure, **options: Any) -> Stream:
    return Stream(TOKEN, ACCOUNT, base_url=server.url, retry=hasty(4), rate_limit=None, **options)


@asynccontextmanager
async def trusting(authority: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session that trusts our authority as others trust the public ones."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=authority))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


# --- what is promised --------------------------------------------------------------------------------------------


async def test_a_certificate_that_holds_is_spoken_to(certificates: dict[str, Path]) -> None:
    async with (
        secure(certificates[GOOD]) as server,
        trusting(certificates["authority"]) as session,
        client(server, session=session) as stream,
    ):
        assert (await stream.get(UID)).uid == UID
    assert len(server.heads) == 1


@pytest.mark.parametrize("name", BAD)
async def test_one_that_does_not_is_an_error_after_one_attempt(name: str, certificates: dict[str, Path]) -> None:
    async with (
        secure(certificates[name]) as server,
        trusting(certificates["authority"]) as session,
        client(server, session=session) as stream,
    ):
        with pytest.raises(TransportError, match=rf"^TLS: .*{BAD[name]}") as caught:
            await stream.get(UID)
    error = caught.value
    assert (error.attempts, error.sent, error.retryable) == (1, False, False)
    assert server.connections <= 1
    assert server.heads == []
    assert TOKEN not in all_words(error)


SCRIPT = """
import asyncio, json, sys
from cfstream import RetryPolicy, Stream, StreamError

async def main():
    for url in sys.argv[1:]:
        policy = RetryPolicy(attempts=4, base=0.001, cap=0.001)
        async with Stream("token", "account", base_url=url, retry=policy) as stream:
            try:
                print(json.dumps([(await stream.get("a" * 32)).uid, 1]))
            except StreamError as error:
                print(json.dumps([str(error), error.attempts]))

asyncio.run(main())
"""
SWITCHES = {
    "PYTHONHTTPSVERIFY": "0",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "1",
    "CURL_INSECURE": "1",
    "SSL_NO_VERIFY": "1",
    "AIOHTTP_SSL_VERIFY": "0",
    "CLOUDFLARE_INSECURE": "1",
    "CLOUDFLARE_SSL_VERIFY": "0",
    "CFSTREAM_INSECURE": "1",
    "CFSTREAM_VERIFY": "0",
    "REQUESTS_CA_BUNDLE": "",
    "CURL_CA_BUNDLE": "",
}


async def test_no_variable_turns_the_check_off(certificates: dict[str, Path]) -> None:
    environment = {**os.environ, **SWITCHES, "SSL_CERT_FILE": str(certificates["authority"])}
    async with (
        secure(certificates[GOOD]) as good,
        secure(certificates["self-signed"]) as own,
        secure(certificates["another host"]) as other,
        secure(certificates["expired"]) as expired,
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT, good.url, own.url, other.url, expired.url),
            env=environment,
            stdout=subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        assert (own.heads, other.heads, expired.heads) == ([], [], [])
    (spoken_to, *refused) = [json.loads(line) for line in out.splitlines()]
    assert spoken_to == [UID, 1]  # the system's own list of authorities does count
    assert [attempts for _, attempts in refused] == [1, 1, 1]
    for (text, _), word in zip(refused, BAD.values(), strict=True):
        assert text.startswith("TLS: ")
        assert word in text
