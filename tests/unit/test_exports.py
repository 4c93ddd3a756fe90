"""What ``import cfstream`` gives, and what it does not load."""

import ast
import importlib.util
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cfstream
from cfstream import errors, models

BASE = {"aiohttp", "attr", "attrs", "cattr", "cattrs", "tenacity"}
# what aiohttp and cattrs bring along, and the parsers they use where they find them
BROUGHT = {
    *("aiohappyeyeballs", "aiosignal", "frozenlist", "idna", "multidict", "propcache", "yarl"),
    *(
        "typing_extensions",
        "orjson",
        "brotli",
        "brotlicffi",
        "zstandard",
        "aiodns",
        "pycares",
        "certifi",
        "cython_runtime",
    ),
}


def in_fresh_python(code: str) -> str:
    """Run the code in a new interpreter and give what it prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_all_is_complete_and_sorted() -> None:
    assert cfstream.__all__ == sorted(cfstream.__all__)
    assert set(cfstream.__all__) == set(cfstream._PLACE_OF)
    assert dir(cfstream) == cfstream.__all__


@pytest.mark.parametrize("name", cfstream.__all__)
def test_every_name_is_there_and_comes_from_its_place(name: str) -> None:
    value = getattr(cfstream, name)
    assert value is getattr(import_module(cfstream._PLACE_OF[name]), name)


def test_every_error_can_be_caught_by_the_packages_name() -> None:
    public = {name for name, value in vars(errors).items() if isinstance(value, type) and name.endswith("Error")}
    assert public <= set(cfstream.__all__)


def test_type_checkers_see_the_same_names_from_the_same_places() -> None:
    tree = ast.parse(Path(cfstream.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        str(node.module): {alias.name for alias in node.names}
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert seen == {place: set(names) for place, names in cfstream._PLACES.items()}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'cfstream' has no attribute 'Streem'"):
        _ = cfstream.Streem


def test_models_name_all_they_have_in_order() -> None:
    assert models.__all__ == sorted(models.__all__)
    for name in models.__all__:
        assert hasattr(models, name)
    defined = {
        name
        for module in ("video", "media", "access", "live")
        for name, value in vars(import_module(f"cfstream.models.{module}")).items()
        if getattr(value, "__module__", "") == f"cfstream.models.{module}" and not name.startswith("_")
    }
    assert defined <= set(models.__all__), sorted(defined - set(models.__all__))


def loaded_after(code: str) -> set[str]:
    """Give the packages outside the standard library that the code loads."""
    shown = in_fresh_python(
        f"import sys; before = set(sys.modules)\n{code}\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    return {name for name in shown.split() if name not in sys.stdlib_module_names and not name.startswith("_")}


def test_importing_the_package_alone_loads_nothing_else() -> None:
    assert loaded_after("import cfstream") == {"cfstream"}
    assert "aiohttp" not in loaded_after("from cfstream import Video, StreamError, to_dict")


def test_the_client_loads_the_base_install_and_nothing_heavier() -> None:
    loaded = loaded_after("from cfstream import Stream; Stream('token', 'account')")
    assert {"aiohttp", "attrs", "cattrs"} <= loaded
    assert loaded - BASE - BROUGHT == {"cfstream"}


EXTRAS = ("av", "jwt", "click", "rich", "cryptography", "orjson")


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in ("cfstream", "cfstream.client", "cfstream.sync", "cfstream.emulator", "cfstream.pytest_plugin")
        if importlib.util.find_spec(name)
    ],
)
def test_every_part_is_importable_without_the_extras(module: str) -> None:
    missing = "\n".join(f"sys.modules[{name!r}] = None" for name in EXTRAS)
    in_fresh_python(f"import sys\n{missing}\nimport {module}")


def test_the_client_works_without_the_extras() -> None:
    missing = "\n".join(f"sys.modules[{name!r}] = None" for name in EXTRAS)
    code = (
        f"import sys\n{missing}\nfrom cfstream import Stream, Video, from_dict\n"
        "print(Stream('token', 'account'), from_dict(Video, {'uid': 'x', 'created': '2024-01-01T00:00:00Z'}).uid)"
    )
    assert in_fresh_python(code) == "cfstream.Stream(account_id='account') x"


def test_the_package_says_that_it_is_typed_and_which_version_it_is() -> None:
    from importlib.metadata import version

    assert (Path(cfstream.__file__).parent / "py.typed").exists()
    found: Any = cfstream.__version__
    assert found == version("cfstream")
