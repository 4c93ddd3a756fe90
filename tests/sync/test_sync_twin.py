"""The blocking twin has all that the async client has, under the same names, and is what its generator writes."""

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cfstream
from cfstream.resources._base import Resource
from cfstream.sync import Pager, Stream, _generate, _generated

# What only one colour has: aiohttp's session belongs to a loop, so only async code can hand one over.
ONLY_ASYNC = {"session"}


def managers(client: Any, path: str = "stream") -> Iterator[tuple[str, Any]]:
    yield path, client
    for name, value in vars(client).items():
        if not name.startswith("_"):
            yield from managers(value, f"{path}.{name}")


def clients() -> tuple[dict[str, Any], dict[str, Any]]:
    options: dict[str, Any] = {"api_token": "x" * 40, "account_id": "a" * 32}
    return dict(managers(cfstream.Stream(**options))), dict(managers(Stream(**options)))


def public(manager: Any) -> dict[str, Any]:
    return {
        name: method
        for name, method in inspect.getmembers(type(manager), inspect.isfunction)
        if not name.startswith("_")
    }


def shape(method: Any) -> list[tuple[str, Any, Any]]:
    return [
        (name, parameter.kind, parameter.default)
        for name, parameter in inspect.signature(method).parameters.items()
        if name not in ONLY_ASYNC
    ]


def test_every_manager_has_its_twin() -> None:
    both = clients()
    assert both[0].keys() == both[1].keys()


@pytest.mark.parametrize("path", clients()[0].keys())
def test_signatures_and_docs_are_equal(path: str) -> None:
    there, here = (colour[path] for colour in clients())
    assert public(there).keys() == public(here).keys()
    for name, method in public(there).items():
        twin = public(here)[name]
        assert shape(method) == shape(twin), f"{path}.{name}"
        assert twin.__doc__, f"{path}.{name}"
        assert not inspect.iscoroutinefunction(twin), f"{path}.{name}"


def test_constructors_are_equal_but_for_the_session() -> None:
    assert shape(cfstream.Stream.__init__) == shape(Stream.__init__)


def test_keyword_sets_are_spelled_out_in_both_colours() -> None:
    for client in (cfstream.Stream, Stream):
        keywords = inspect.signature(client.edit).parameters
        assert {"creator", "meta", "scheduled_deletion"} <= keywords.keys()
        assert keywords["creator"].default is not inspect.Parameter.empty


def test_the_generated_file_is_what_the_generator_writes() -> None:
    assert Path(_generated.__file__).read_text(encoding="utf-8") == _generate.generate()


def test_the_check_fails_on_drift(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _generate.main(["--check"]) == 0
    monkeypatch.setattr(_generate, "generate", lambda: "something else")
    assert _generate.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err


def test_writing_puts_the_file_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_generate, "_TARGET", tmp_path / "written.py")
    assert _generate.main([]) == 0
    assert (tmp_path / "written.py").read_text(encoding="utf-8") == _generate.generate()


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        ("    @property\n    async def size(self) -> int:\n        'D.'", "decorated"),
        ("    async def size(self):\n        'D.'", "no return type"),
        ("    def size(self) -> int:\n        'D.'", "must be async"),
        ("    async def size(self, *many: int) -> int:\n        'D.'", "star parameters"),
        ("    async def size(self) -> int:\n        return 1", "no docstring"),
        ("    size = 5", "holds"),
        ("    def __init__(self, transport: int) -> None:\n        print(1)", "cannot read"),
    ],
)
def test_what_the_generator_does_not_understand_it_refuses(tmp_path: Path, method: str, problem: str) -> None:
    (tmp_path / "odd.py").write_text(f"class Odd(Resource):\n    'D.'\n{method}\n", encoding="utf-8")
    with pytest.raises(_generate.GenerationError, match=problem):
        _generate.generate(tmp_path)


def test_a_rule_that_nothing_needs_fails(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("class Plain(Resource):\n    'D.'\n", encoding="utf-8")
    with pytest.raises(_generate.GenerationError, match="rules that nothing needs"):
        _generate.generate(tmp_path)


def test_every_resource_has_a_twin() -> None:
    def below(kind: type[Any]) -> Iterator[type[Any]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    names = {kind.__name__ for kind in below(Resource) if kind.__module__.startswith("cfstream.resources")}
    assert names <= {name for name, value in vars(_generated).items() if isinstance(value, type)}


def test_lists_are_pagers_without_io() -> None:
    with Stream("x" * 40, "a" * 32) as stream:
        assert isinstance(stream.list(), Pager)
        assert isinstance(stream.list().pages(), types.GeneratorType)
