"""How Sphinx builds these pages; the `docs` session of noxfile.py starts it with every warning as an error."""

import ast
import inspect
import re
import sys
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any, Unpack, get_args, get_origin, get_type_hints, is_typeddict

from sphinx.pycode import ModuleAnalyzer
from sphinx.util.typing import stringify_annotation

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
autodoc_typehints = "signature"
python_use_unqualified_type_names = True

# Inventories of other projects are fetched over the network, which a build must not need: names that live
# elsewhere stay plain text, and everything of ours must still resolve.
nitpick_ignore_regex = [
    ("py:.*", r"(asyncio|collections|datetime|enum|pathlib|os|ssl|types|typing)\..*"),  # the standard library
    ("py:.*", r"(aiohttp|multidict)\..*"),  # of the dependencies, those that show: a session, and headers
    ("py:.*", r"cfstream\.(\w+\.)*_\w+(\..*)?"),  # private parts that annotations mention
    ("py:.*", r"cfstream\.uploads\.sources\.opening\.(Async)?Readable"),  # protocols that signatures spell out
    ("py:.*", r"cfstream\.pages\.Walk"),  # what a pager is made from; nobody makes one
    ("py:.*", r"cfstream\.(\w+\.)*T"),  # type variables
]
suppress_warnings = ["ref.python"]  # both colours have a Stream; a short name that fits both may lead to either


def setup(app: "Sphinx") -> None:
    """Show what readers need of signatures, attributes and keyword sets."""
    app.connect("autodoc-process-docstring", _keep_the_sentence, priority=400)  # before napoleon, which has 500
    app.connect("autodoc-process-docstring", _list_the_keys)
    app.connect("autodoc-process-docstring", _point_to_the_keywords, priority=600)  # after napoleon
    app.connect("autodoc-process-signature", _shorten)
    app.connect("autodoc-skip-member", _leave_out_dicts_own)


def _keep_the_sentence(
    _app: "Sphinx", what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    # napoleon takes what stands before a colon on the first line for the attribute's type: an empty comment goes first.
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def _shorten(
    _app: "Sphinx", _what: str, _name: str, _object: object, _options: object, signature: str | None, gives: str | None
) -> tuple[str, str | None] | None:
    # Defaults that are settings are told where those are; private parameters, which come last, are nobody's business.
    if signature is None:
        return None
    signature = re.sub(r"\b(Limits|RateLimit|RetryPolicy)\([^()]*\)", r"\1()", signature)
    return re.sub(r", _\w+: .*\)$", ")", signature), gives


def _leave_out_dicts_own(
    _app: "Sphinx", _what: str, _name: str, member: object, _skip: bool, _options: object
) -> bool | None:
    return True if getattr(member, "__qualname__", "").startswith("dict.") else None


def _point_to_the_keywords(
    _app: "Sphinx", _what: str, _name: str, method: object, _options: object, lines: list[str]
) -> None:
    taken = getattr(method, "__annotations__", {}).get("params")
    if get_origin(taken) is not Unpack:
        return
    (keyword_set,) = get_args(taken)
    # The signature shows the keywords in place of the parameter that collects them.
    lines[:] = [line for line in lines if not line.startswith(":param params:")]
    fields = next((number for number, line in enumerate(lines) if line.startswith(":")), len(lines))
    lines[fields:fields] = [f"Keywords: :py:class:`~{keyword_set.__module__}.{keyword_set.__name__}`.", ""]


def _list_the_keys(_app: "Sphinx", _what: str, _name: str, thing: Any, _options: object, lines: list[str]) -> None:
    # A TypedDict does not say what it inherits from, so autodoc would show a part of the keys.
    if not is_typeddict(thing):
        return
    docs = _key_docs(thing)
    for name, hint in get_type_hints(thing).items():
        first = ["*Required.*", ""] if name in thing.__required_keys__ else []
        lines += ["", f".. py:attribute:: {name}", f"   :type: {stringify_annotation(hint)}", ""]
        lines += [f"   {line}" for line in (*first, *docs[name])]


def _key_docs(keyword_set: type) -> dict[str, list[str]]:
    """Give the docstrings of a keyword set's keys, those of its bases included, which stand in the same module."""
    module = sys.modules[keyword_set.__module__]
    bases = {
        node.name: node.bases for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)
    }
    written = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
    docs: dict[str, list[str]] = {}
    waiting = [keyword_set.__name__]
    while waiting:
        owner = waiting.pop()
        docs |= {name: lines for (place, name), lines in written.items() if place == owner}
        waiting += [base.id for base in bases[owner] if isinstance(base, ast.Name) and base.id in bases]
    return docs
