"""The tables of docs/ say what the code says: each is made anew here and compared."""

import inspect
import operator
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import attrs
import pytest
from contract_facts import CALLS

import cfstream
from cfstream import Secret, errors, models, sync
from cfstream.endpoints import ROWS, RetryClass
from cfstream.models._base import UNKNOWN_IS

DOCS = Path(__file__).parents[2] / "docs"
NOT_READ = {"AccessRule", "DownloadProgress", "UploadProgress"}  # attrs classes that no answer becomes
Row = tuple[str, ...]


def tables(page: str) -> Iterator[list[Row]]:
    """Give the tables of a page as rows of cells, the head first."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        head, _, *rows = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in block.splitlines()]
        yield [head, *rows]


def table(page: str, *head: str) -> list[Row]:
    (found,) = [rows for rows in tables(page) if rows[0] == head]
    return found[1:]


def code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- models.md ---------------------------------------------------------------------------------------------------


def answer_models() -> list[type[Any]]:
    found = [getattr(models, name) for name in models.__all__ if name not in NOT_READ]
    return [value for value in found if isinstance(value, type) and attrs.has(value)]


def fields_row(model: Any) -> Row:
    """Say of each field what stands there when the service sends none."""
    hints = get_type_hints(model)
    own = [field for field in attrs.fields(model) if not field.inherited and field.name != "extra"]
    always = [field.name for field in own if field.default is attrs.NOTHING]
    empty = [_with_default(field) for field in own if field.default is not attrs.NOTHING and field.default is not None]
    optional = [
        f"{field.name}*" if UNKNOWN_IS in field.metadata else field.name for field in own if field.default is None
    ]
    secret = [field.name for field in own if Secret in (hints[field.name], *get_args(hints[field.name]))]
    bases = "".join(f", a `{base.__name__}`" for base in model.__bases__ if attrs.has(base))
    return (code(model.__name__) + bases, *(code(*names) or "-" for names in (always, empty, optional, secret)))


def _with_default(field: "attrs.Attribute[Any]") -> str:
    plain = isinstance(field.default, bool | str) and field.default
    return f"{field.name}={field.default!r}" if plain else field.name


def test_the_list_of_fields_says_of_each_whether_it_can_be_none() -> None:
    head = ("model", "always sent", "empty when absent", "None when absent", "secret")
    assert table("models.md", *head) == [fields_row(model) for model in answer_models()]


@cache
def official_names() -> frozenset[str]:
    """Give every class of answers and parameters that Cloudflare's own SDK has for Stream."""
    root = import_module("cloudflare.types.stream")
    packages = [root, *(import_module(item.name) for item in pkgutil.walk_packages(root.__path__, f"{root.__name__}."))]
    return frozenset(name for package in packages for name in vars(package) if _is_class_of_stream(package, name))


def _is_class_of_stream(package: Any, name: str) -> bool:
    return hasattr(package, "__path__") and name[0].isupper()


def name_rows() -> list[Row]:
    return [
        row for head in ("what it is", "parameters of") for row in table("models.md", "reference", "cfstream", head)
    ]


def test_every_name_of_the_reference_stands_in_the_tables() -> None:
    assert len(official_names()) >= 44
    assert official_names() - {name for row in name_rows() for name in spans(row[0])} == set()


def test_every_model_and_keyword_set_stands_in_the_tables() -> None:
    shown = {name for row in name_rows() for name in spans(row[1])}
    wanted = [
        name
        for name in models.__all__
        if is_typeddict(getattr(models, name)) or (name != "Secret" and isinstance(getattr(models, name), type))
    ]
    assert set(wanted) - shown == set()
    assert {name for name in shown if not hasattr(models, name)} <= {"str", "None", "Page", "Pager[...]", "APIError"}


# --- errors.md ---------------------------------------------------------------------------------------------------


def test_the_catalogue_is_that_of_the_package() -> None:
    rows = [(code(str(row.code)), row.meaning, row.advice) for row in errors.CODES.values()]
    assert table("errors.md", "code", "it means", "what to do") == rows


def test_the_tree_is_that_of_the_package() -> None:
    tree = inspect.cleandoc(errors.__doc__ or "").partition("::\n\n")[2]
    fence = (DOCS / "errors.md").read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    assert fence == inspect.cleandoc(tree) + "\n"


def test_every_call_stands_with_its_retry_class() -> None:
    rows = table("errors.md", "class", "calls", "the service did nothing", "nobody knows")
    assert [row[0] for row in rows] == [code(kind.name) for kind in RetryClass]
    for kind, calls, *_ in rows:
        wanted = [fact.call for fact in CALLS if ROWS[fact.row].retry.name == kind.strip("`")]
        assert sorted(spans(calls)) == sorted(wanted)


# --- cli.md --------------------------------------------------------------------------------------------------------


def test_every_option_of_the_emulator_stands_in_its_table() -> None:
    from cfstream.cli.emulator import emulator

    shown = [cell.strip("`").split()[0] for cell, _ in table("cli.md", "option", "what it does")]
    assert shown == [option.opts[0] for option in emulator.params if option.name != "debug"]


# --- from-the-official-sdk.md ------------------------------------------------------------------------------------


def _named(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return re.sub(r"[\w.]+\.(\w+)", r"\1", text)


def _shown(method: Any, less: Iterable[str] = ()) -> str:
    return code(*(name for name in inspect.signature(method).parameters if name not in less)) or "-"


def call_rows() -> Iterator[Row]:
    from cloudflare import Cloudflare

    added = ("account_id", "extra_headers", "extra_query", "extra_body", "timeout")  # to every call there
    theirs = Cloudflare(api_token="token")
    with sync.Stream("token", "account") as ours:
        for fact in CALLS:
            method = operator.attrgetter(fact.call.removeprefix("stream."))(ours)
            mine = (code(fact.call), _shown(method), _gives(method))
            try:
                official = operator.attrgetter(fact.call)(theirs)
            except AttributeError:
                yield (*mine, "no such call")
                continue
            parameters = _shown(official, added)
            same = sorted(spans(parameters)) == sorted(spans(mine[1]))
            yield (*mine, _gives(official) if same else f"{_gives(official)}; takes {parameters}")


def _gives(method: Any) -> str:
    return code(_named(inspect.signature(method).return_annotation))


def test_every_call_stands_beside_that_of_the_official_sdk() -> None:
    assert table("from-the-official-sdk.md", "call", "parameters here", "gives here", "there") == list(call_rows())


# --- reference/ --------------------------------------------------------------------------------------------------


def documented() -> list[str]:
    pages = [path.read_text(encoding="utf-8") for path in sorted((DOCS / "reference").glob("*.md"))]
    return [name for page in pages for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page, flags=re.MULTILINE)]


def missing(names: Sequence[str], *places: str) -> list[str]:
    shown = set(documented())
    return [name for name in names if not any(f"{place}.{name}" in shown for place in places)]


def test_every_public_name_has_its_place_in_the_reference() -> None:
    of_modules = [name for name in cfstream.__all__ if name == "__version__" or hasattr(errors, name)]
    assert missing([name for name in cfstream.__all__ if name not in of_modules], "cfstream", "cfstream.models") == []
    assert missing(models.__all__, "cfstream.models", "cfstream") == []


def test_nothing_is_documented_twice() -> None:
    short = [name.rpartition(".")[2] for name in documented() if not name.startswith("cfstream.sync")]
    assert sorted(short) == sorted(set(short))


def test_every_manager_has_its_place_in_the_reference() -> None:
    from cfstream.resources._base import Resource

    client = {"Stream"}  # which is the managers' root and stands on a page of its own
    managers = [cls for cls in _below(Resource) if cls.__module__.startswith("cfstream.resources")]
    assert len(managers) >= 17
    assert {f"{cls.__module__}.{cls.__name__}" for cls in managers if cls.__name__ not in client} <= set(documented())


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)


@pytest.mark.parametrize("page", sorted(path.name for path in (DOCS / "reference").glob("*.md")))
def test_every_page_of_the_reference_stands_in_its_index(page: str) -> None:
    index = (DOCS / "reference" / "index.md").read_text(encoding="utf-8")
    assert page == "index.md" or page.removesuffix(".md") in index.splitlines()
