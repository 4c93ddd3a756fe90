"""How Sphinx builds these pages; the `docs` session of noxfile.py starts it with every warning as an error."""

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "cfstream"
author = "The cfstream developers"
copyright = "2026, The cfstream developers"
release = version = installed_version("cfstream")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"cfstream {release}"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autoclass_content = "class"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
python_use_unqualified_type_names = True

# Inventories of other projects are fetched over the network, which a build must not need: names that live
# elsewhere stay plain text, and everything of ours must still resolve.
nitpick_ignore_regex = [
    ("py:.*", r"(asyncio|collections|datetime|enum|pathlib|os|ssl|types|typing)\..*"),  # the standard library
    ("py:.*", r"aiohttp\..*"),  # of the dependencies, the only one that shows: `session=` takes its session
    ("py:.*", r"cfstream\.(\w+\.)*_\w+(\..*)?"),  # private parts that annotations mention
    ("py:.*", r"cfstream\.pages\.Walk"),  # what a pager is made from; nobody makes one
    ("py:.*", r"cfstream\.(\w+\.)*T"),  # type variables
    ("py:class", r"Between|Hidden|MaxLength"),  # limits inside Annotated, which the text around them tells in words
]
suppress_warnings = ["ref.python"]  # both colours have a Stream; a short name that fits both may lead to either


def setup(app: "Sphinx") -> None:
    """Let attribute docstrings be sentences; asked before napoleon, which has the usual priority of 500."""
    app.connect("autodoc-process-docstring", _keep_the_sentence, priority=400)


def _keep_the_sentence(
    _app: "Sphinx", what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    # napoleon takes what stands before a colon on the first line for the attribute's type: an empty comment goes first.
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]
