"""Decoding: a page of videos from bytes to whole objects, against the official models and plain dicts."""

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench_process import Contender, Meter, Plan, Sample, asked, contend, interleaved, tell
from bench_report import Report, Target, ratios
from bench_video import check_complete, page_answer

CFSTREAM = "cfstream, orjson"
CFSTREAM_JSON = "cfstream, standard json"
OFFICIAL = "cloudflare, its default"
DICTS = "json dicts (no objects)"
SIZE = 1000

Decode = Callable[[bytes], Sequence[object]]


def run(plan: Plan) -> Report:
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    slices, seconds = (2, 0.2) if plan.quick else (4, 0.3)
    contenders = [Contender("bench_decode.py", name) for name in CONTENDERS]
    sizes = {contender.name: contender.ask(size=True) for contender in contenders}
    for _ in range(plan.rounds):
        for name, sums in interleaved(contenders, slices, seconds=seconds).items():
            speed = {"objects/s": sums["objects"] / sums["wall"], "cpu": 1e6 * sums["cpu"] / sums["objects"]}
            samples[name].append({**speed, **sizes[name]})
    for contender in contenders:
        contender.end()
    return Report(
        title=f"decode a page of {SIZE} videos ({len(page_answer(SIZE)) / 1e6:.2f} MB of JSON), every field",
        measures={"objects/s": "objects/s", "cpu": "CPU us/object", "bytes": "bytes/object"},
        samples=samples,
        targets=[target for ours in (CFSTREAM_JSON, CFSTREAM) for target in _targets(samples, ours)],
    )


def _targets(samples: Mapping[str, list[Sample]], ours: str) -> list[Target]:
    return [
        Target(f"{ours} / {OFFICIAL}, objects/s", ratios(samples, "objects/s", ours, OFFICIAL), ">=", 3),
        Target(f"{ours}, bytes per object", [sample["bytes"] for sample in samples[ours]], "<=", 4500),
    ]


# --- the contenders ----------------------------------------------------------------------------------------------


def _serve(decode: Decode) -> None:
    """Decode for as long as the parent wishes, or tell the size of the objects."""
    body = page_answer(SIZE)
    decode(body)  # what is made once, such as the readers of the models
    while (wish := asked()) is not None:
        if "size" in wish:
            tell({"bytes": _size(decode, body) / SIZE})
            continue
        pages = 0
        with Meter() as meter:
            while meter.running < wish["seconds"]:
                decode(body)
                pages += 1
        tell({"objects": pages * SIZE, "wall": meter.wall, "cpu": meter.cpu})


def _size(decode: Decode, body: bytes) -> int:
    """Give what the objects of a page keep in memory, without the page they were made of."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = decode(body)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept) == SIZE
    return after - before


def _cfstream(settings: dict[str, Any]) -> None:
    from cfstream import RawResponse, Video, endpoints

    def decode(body: bytes) -> Sequence[Video]:
        page = endpoints.STREAM_LIST.answer.read(RawResponse(200, {}, body))
        return [page.item(place) for place in range(len(page.items))]

    for video in decode(page_answer(3)):
        check_complete(video)
    _serve(decode)


def _cfstream_json(settings: dict[str, Any]) -> None:
    sys.modules["orjson"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    _cfstream(settings)


def _official(settings: dict[str, Any]) -> None:
    from cloudflare._models import construct_type
    from cloudflare.pagination import AsyncSinglePage
    from cloudflare.types.stream import Video

    def decode(body: bytes) -> Sequence[Video]:
        page: Any = construct_type(type_=AsyncSinglePage[Video], value=json.loads(body))
        videos: list[Video] = page.result
        return videos

    assert isinstance(decode(page_answer(1))[0], Video)
    _serve(decode)


def _dicts(settings: dict[str, Any]) -> None:
    def decode(body: bytes) -> Sequence[object]:
        videos: list[object] = json.loads(body)["result"]
        return videos

    _serve(decode)


CONTENDERS = {CFSTREAM: _cfstream, CFSTREAM_JSON: _cfstream_json, OFFICIAL: _official, DICTS: _dicts}

if __name__ == "__main__":
    contend(CONTENDERS)
