"""What the source of the package never does: ruff's rules on safety are on and not silenced, and these see the rest."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cfstream

PACKAGE = Path(cfstream.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# The reasons stand in the source beside each of them.
SILENCED = {"cli/emulator.py": {"S105"}, "emulator/storage/store.py": {"S608"}}


def trees() -> Iterator[tuple[str, ast.AST]]:
    for path in FILES:
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text())


def problems(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, keywords=keywords):
                yield from (f"{ast.unparse(function)}({word.arg}=)" for word in keywords if is_switch(word))
            case ast.Attribute(attr="check_hostname" | "verify_mode" | "CERT_NONE"):
                yield node.attr


def is_switch(word: ast.keyword) -> bool:
    """Tell whether a keyword turns a shell on, or a check of certificates off."""
    match word:
        case ast.keyword(arg="shell", value=ast.Constant(value=False)):
            return False
        case ast.keyword(arg="shell"):
            return True
        case ast.keyword(arg="ssl" | "verify" | "verify_ssl" | "check_hostname", value=ast.Constant(value=False)):
            return True
    return False


def test_no_shell_is_started_and_no_check_of_certificates_is_off() -> None:
    assert {name: found for name, tree in trees() if (found := sorted(problems(tree)))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run('ls', shell=flag)",
        "session.get(url, ssl=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
    ],
)
def test_it_would_be_seen(source: str) -> None:
    assert list(problems(ast.parse(source)))


def test_no_rule_on_safety_is_silenced_but_where_it_is_known() -> None:
    silenced = {}
    for path in FILES:
        codes = {
            code
            for codes in re.findall(r"#\s*noqa:([^#\n]*)", path.read_text())
            for code in re.findall(r"\bS\d{3}\b", codes)
        }
        if codes:
            silenced[str(path.relative_to(PACKAGE))] = codes
    assert silenced == SILENCED


def test_the_rules_on_safety_are_on() -> None:
    import tomllib

    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert settings["select"] == ["ALL"]
    off = [*settings["ignore"], *(code for codes in settings["per-file-ignores"].values() for code in codes)]
    for code in off:
        if re.fullmatch(r"S\d*", code):
            inside = [name for name, codes in settings["per-file-ignores"].items() if code in codes]
            assert inside
            assert all(name.startswith("tests") or name == "noxfile.py" for name in inside)


def test_every_line_that_is_logged_has_a_text_of_ours_and_plain_figures() -> None:
    """The library's log gets rows, figures and names of classes; whatever else came would need masking."""
    allowed = {"row", "endpoint.row", "attempt", "wait", "status", "elapsed", "type(error).__name__"}
    for name, tree in trees():
        if name.startswith("emulator"):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "logging" | "log"), attr=level)) if (
                    level in ("debug", "info", "warning", "error", "exception", "critical", "log")
                ):
                    first, *rest = node.args
                    assert isinstance(first, ast.Constant), f"{name}:{node.lineno}"
                    assert {ast.unparse(one) for one in rest} <= allowed, f"{name}:{node.lineno}"
                    assert not node.keywords, f"{name}:{node.lineno}"


def test_the_whole_package_was_looked_at() -> None:
    assert len(FILES) > 80
