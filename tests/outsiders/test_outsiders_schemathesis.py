"""Schemathesis puts to every call what its description allows and forbids; each answer must be one described there."""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import schemathesis
from contract_facts import CALLS
from emulator_kit import FixedClock, clip, png
from openapi_facts import document
from schemathesis import Case, Response, checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from cfstream._limits import Limits
from cfstream.emulator import Emulator
from cfstream.sync import Stream

EXAMPLES = 12
"""Drawn at random for each call, beside all values at the borders of what is described; the same in every run."""
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

_CLOCK = FixedClock()
_LATER = datetime.fromtimestamp(_CLOCK.now + 60 * 86_400, UTC).isoformat()
_NOWHERE = "http://127.0.0.1:9/file"
"""Not fetched: the emulator fetches from public addresses only, and made-up ones must not be looked up."""

_ROOMY = Limits(storage_minutes=10**9)

Test = Callable[..., None]


def _described() -> Any:
    """The facts, with addresses and days that can be used where chance would hardly find one."""

    def narrow(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                narrow(part)
        elif isinstance(schema, dict):
            if schema.get("format") == "uri":
                schema["enum"] = [_NOWHERE]
            elif "x-days-ahead" in schema:
                schema["enum"] = [_LATER]
            for part in schema.values():
                narrow(part)

    facts = document()
    for path in facts["paths"].values():
        for operation in path.values():
            narrow(operation.get("requestBody"))
    narrow({name: schema for name, schema in facts["components"]["schemas"].items() if name.endswith("Input")})
    generation = GenerationConfig(max_examples=EXAMPLES, deterministic=True, database="none")
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    return schemathesis.openapi.from_dict(facts, config=SchemathesisConfig(projects=projects))


EVERY_CASE: Callable[[Test], Test] = _described().parametrize()


class Log(logging.Handler):
    """What is logged as a warning or worse, also on the thread of the emulator; but that it has no ears is no fault."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if not line.startswith("Captions in"):
            self._lines.append(line)

    def told(self) -> list[str]:
        lines, self._lines = self._lines, []
        return lines


@attrs.define
class Account:
    """An account with one object of each kind, which is made anew when it has been deleted."""

    emulator: Any
    stream: Stream
    log: Log
    statuses: dict[str, Counter[int]] = attrs.field(factory=lambda: defaultdict(Counter))
    """What was answered, by verb and path."""
    _uids: dict[str, str] = attrs.field(factory=dict)

    def uid(self, kind: str) -> str:
        if kind not in self._uids:
            self._uids[kind] = _MAKERS[kind](self)
        return self._uids[kind]

    def gone(self, kind: str) -> None:
        self._uids.pop(kind, None)


def _ready(account: Account) -> str:
    account.emulator.resume_encoding()
    uid = account.stream.upload(clip(2.0)).uid
    account.stream.wait_until_ready(uid, timeout=30)
    account.emulator.pause_encoding()
    return uid


def _captions(account: Account) -> str:
    return account.stream.captions.language.update("en", identifier=account.uid("video"), file=b"WEBVTT\n").language


def _track(account: Account) -> str:
    label = f"track {account.emulator.requests.count()}"
    return account.stream.audio_tracks.copy(account.uid("video"), label=label, url=_NOWHERE).uid


def _download(account: Account, kind: Any) -> str:
    account.stream.downloads.create_type(kind, identifier=account.uid("video"))
    return str(kind)


def _output(account: Account) -> str:
    target: Any = {"url": "rtmps://live.example/app", "stream_key": "key"}
    return account.stream.live_inputs.outputs.create(account.uid("live input"), **target).uid


_MAKERS: dict[str, Callable[[Account], str]] = {
    "video": _ready,
    "video to delete": lambda account: account.stream.create(upload_length=1).uid,
    "captions": _captions,
    "track": _track,
    "default": lambda account: _download(account, "default"),
    "audio": lambda account: _download(account, "audio"),
    "live input": lambda account: account.stream.live_inputs.create().uid,
    "track to delete": _track,
    "live input to delete": lambda account: account.stream.live_inputs.create().uid,
    "output": _output,
    "webhook": lambda account: account.stream.webhooks.update(notification_url=_NOWHERE).notification_url,
    "key": lambda account: account.stream.keys.create().id,
    "watermark": lambda account: account.stream.watermarks.create(file=png()).uid,
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    log = Log()
    logging.getLogger().addHandler(log)
    with Emulator(clock=_CLOCK, limits=_ROOMY) as emulator, emulator.stream() as stream:
        yield Account(emulator, stream, log)
    logging.getLogger().removeHandler(log)
    assert log.told() == []


def _kinds(case: Case) -> dict[str, str]:
    """Which kinds of objects the path of a call names; calls that delete have some of their own."""
    path = case.path
    owner = next((kind for kind in ("key", "watermark") if f"/{kind}s/" in path), "video")
    kinds = {
        "identifier": owner,
        "language": "captions",
        "audio_identifier": "track",
        "live_input_identifier": "live input",
        "output_identifier": "output",
    }
    last = path.rpartition("/")[2].strip("{}")
    if case.method == "DELETE" and kinds.get(last) in ("video", "live input", "track"):
        kinds[last] += " to delete"
    return kinds


def _aim(case: Case, account: Account) -> None:
    """Put objects that there are in place of most well-formed names, and usable values in place of many others."""
    case.path_parameters["account_id"] = account.emulator.account_id
    for name, kind in _kinds(case).items():
        given = case.path_parameters.get(name)
        if isinstance(given, str) and _NAME[name == "language"].fullmatch(given) and given[0] not in "abcd":
            case.path_parameters[name] = account.uid(kind)
    for part, kinds in _NEEDED.items():
        if part in case.path:
            for kind in kinds:
                account.uid(kind)
    if case.path.endswith("/generate") and case.path_parameters["language"] == "en":
        case.path_parameters["language"] = "de"
    for twice in ("after", "before"):  # the same as "start" and "end", and refused together with them
        if "start" in (case.query or {}) and "end" in case.query:
            case.query.pop(twice, None)
    # half of them by chance, and the plainest form always: whether a good one is among so few must not be chance
    if isinstance(case.body, dict) and (len(str(case.body)) % 2 or case.body == {"file": ""}):
        _aim_body(case.body, case.path, account)


_NAME = (re.compile(r"[0-9a-f]{32}"), re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"))
_NEEDED = {"/downloads": ("default", "audio"), "/webhook": ("webhook",)}


def _aim_body(body: dict[str, Any], path: str, account: Account) -> None:
    usable: dict[str, Callable[[], Any]] = {
        "clippedFromVideoUID": lambda: account.uid("video"),
        "startTimeSeconds": lambda: 0,
        "endTimeSeconds": lambda: 1,
        "watermark": lambda: {"uid": account.uid("watermark")},
        "expiry": lambda: _LATER,
        "exp": lambda: int(_CLOCK.now) + 60,
        "file": lambda: next(file for part, file in _FILES.items() if f"/{part}" in path),
        **({"url": lambda: "rtmps://live.example/app"} if path.endswith("/outputs") else {}),
    }
    body |= {name: value() for name, value in usable.items() if name in body}


_FILES = {"captions": b"WEBVTT\n", "watermarks": png(), "audio": b"no sound"}


def _deleted(case: Case, account: Account) -> None:
    last = case.path.rpartition("/")[2].strip("{}")
    account.gone(_kinds(case).get(last, last))
    account.gone(str(case.path_parameters.get("download_type", "default")))


@EVERY_CASE
def test_answers_are_as_described(case: Case, account: Account) -> None:
    _aim(case, account)
    headers = {"Authorization": f"Bearer {account.emulator.api_token}"}
    response: Response = case.call_and_validate(base_url=account.emulator.base_url, headers=headers, checks=CHECKS)
    assert account.log.told() == []
    account.statuses[case.operation.label][response.status_code] += 1
    if case.method == "DELETE" and response.status_code == 200:
        _deleted(case, account)


def test_every_call_was_granted_at_times(account: Account) -> None:
    assert len(account.statuses) == len(CALLS)  # the tests above ran, all of them
    assert [call for call, met in account.statuses.items() if not met[200] + met[201]] == []
