"""Imports go down, or sideways without a cycle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import cfstream

PACKAGE = Path(cfstream.__file__).parent
FLOORS = (
    ("errors", "_types", "_limits", "_redact", "_checks", "_version"),
    ("models",),
    ("endpoints", "_wire", "_params", "_files", "_answers", "_tus"),
    ("_transport", "_retry", "_governor", "_session", "_hooks", "_raw", "_media", "_poll", "pages"),
    ("resources", "uploads", "saving", "waiting", "bulk"),
    ("client",),
    ("sync", "emulator"),
    ("cli", "pytest_plugin"),
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
LAZY = {"__init__", "__main__"}  # they load names when these are used
NOT_FOR_THE_EMULATOR = {"models", "_wire", "_params", "_answers", "_tus"}  # or it would agree with our mistakes


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


class _WithoutTypes(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.If | None:  # ast names it
        return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node


def imports_of(path: Path, *, with_types: bool = True) -> set[str]:
    """Give the modules of the package that a file imports, wherever in it, without the package's name."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree if with_types else _WithoutTypes().visit(tree)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they lead"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {place(name.removeprefix("cfstream.")) for name in found if name.startswith("cfstream.")}


def place(name: str) -> str:
    """Give the module that a dotted name leads to; the lazy names of the package lead to their places."""
    name = cfstream._PLACE_OF.get(name, name).removeprefix("cfstream.")
    return name if name in FILES else name.rpartition(".")[0] or name


FILES = {
    str(path.relative_to(PACKAGE).with_suffix("")).replace("/", ".").removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
INSIDE = {module: path for module, path in FILES.items() if module not in LAZY}


def test_every_module_has_its_floor() -> None:
    assert {room(module) for module in INSIDE} <= FLOOR_OF.keys()


@pytest.mark.parametrize("module", INSIDE)
def test_no_import_goes_up(module: str) -> None:
    wrong = {name for name in imports_of(INSIDE[module]) if FLOOR_OF.get(room(name), 99) > FLOOR_OF[room(module)]}
    assert not wrong, f"{module} imports {sorted(wrong)} from above"


def test_imports_sideways_make_no_cycle() -> None:
    graph = {module: imports_of(path, with_types=False) & INSIDE.keys() for module, path in INSIDE.items()}
    list(TopologicalSorter(graph).static_order())


def test_the_emulator_shares_rows_and_limits_but_not_the_codec() -> None:
    emulator = {module: imports_of(path) for module, path in INSIDE.items() if room(module) == "emulator"}
    shared = {module: {room(name) for name in names} & NOT_FOR_THE_EMULATOR for module, names in emulator.items()}
    assert not {module: names for module, names in shared.items() if names}
    assert any("endpoints" in names for names in emulator.values())


def test_only_the_third_floor_and_the_edges_know_the_http_library() -> None:
    for module, path in INSIDE.items():
        knows = any(
            name and room(name) in ("aiohttp", "tenacity", "yarl")
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        )
        # the client only names the type of a session that it is given
        allowed = FLOOR_OF[room(module)] in (3, 6, 7) or module == "client"
        assert allowed or not knows, module
