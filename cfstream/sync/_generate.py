"""Writes `_generated.py`, the blocking managers, from the source of the async ones: one delegating line per method.

Run ``python -m cfstream.sync._generate`` after changing a manager; ``--check`` only tells whether that was done.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

_RESOURCES = Path(__file__).parent.parent / "resources"
_TARGET = Path(__file__).with_name("_generated.py")
_LINE = 120

_BANNER = '''"""The blocking managers, written by `cfstream.sync._generate` from the async ones: change those."""
'''
# What the async words become; a rule that no source needs any more fails the run.
_RULES = {
    "Awaitable[object] | object": "object",
    "``async for``": "``for``",
    "``await`` gives": "``page()`` gives",
    "; may be async": "",
}
# What a method gives that is walked rather than awaited.
_WALKED = ("Pager", "Bulk", "Uploads")
_OR_ASYNC = " | AsyncIterable["
_WITH_CALLBACKS = "UploadJobParams"
_OF_JOBS = "Iterable[Job]"
_OWN = {
    "Bulk": "cfstream.sync._base",
    "Uploads": "cfstream.sync._base",
    "Resource": "cfstream.sync._base",
    "Pager": "cfstream.sync._base",
    "Portal": "cfstream.sync._portal",
    "UploadJobParams": "cfstream.sync._jobs",
    "callbacks_in_callers_thread": "cfstream.sync._portal",
    "in_callers_thread": "cfstream.sync._portal",
    "jobs_read_by_caller": "cfstream.sync._jobs",
    "read_by_caller": "cfstream.sync._portal",
}


class GenerationError(Exception):
    """A source has something the generator does not understand."""


@attrs.define
class _Source:
    """One resource file."""

    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def read(cls, path: Path) -> "_Source":
        text = path.read_text(encoding="utf-8")
        return cls(path, text, ast.parse(text))

    def segment(self, node: ast.AST) -> str:
        found = ast.get_source_segment(self.text, node)
        if found is None:
            raise GenerationError(f"{self.path.name}: no source for {ast.dump(node)}")
        return found

    def classes(self) -> Iterator[ast.ClassDef]:
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and any(self.segment(base) == "Resource" for base in node.bases):
                yield node

    def imports(self) -> dict[str, str]:
        """Give the modules that names were imported from."""
        return {
            alias.asname or alias.name: node.module
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }


@attrs.define
class _Writer:
    """Collects the text, the names it needs and the rules it used."""

    needed: dict[str, str] = attrs.field(factory=lambda: dict(_OWN))
    used_rules: set[str] = attrs.field(factory=set)
    body: list[str] = attrs.field(factory=list)

    def rewritten(self, text: str) -> str:
        for old, new in _RULES.items():
            if old in text:
                self.used_rules.add(old)
                text = text.replace(old, new)
        return text

    def write_class(self, source: _Source, node: ast.ClassDef) -> None:
        impl = f"{source.path.stem}.{node.name}"
        self.needed[source.path.stem] = "cfstream.resources"
        lines = ["", "", f"class {node.name}(Resource):", *self._docstring(node, "    "), "", f"    _impl: {impl}"]
        for member in node.body:
            match member:
                case ast.FunctionDef(name="__init__"):
                    lines += ["", *self._init(source, member, impl)]
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    lines += ["", *self._method(source, member)]
                case ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    raise GenerationError(f"{source.path.name}: {node.name} holds {source.segment(member)!r}")
        self.body += lines

    def _docstring(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, indent: str) -> list[str]:
        text = ast.get_docstring(node)
        if text is None:
            raise GenerationError(f"{node.name} has no docstring")
        first, *rest = self.rewritten(text).split("\n")
        if not rest:
            return [f'{indent}"""{first}"""']
        return [f'{indent}"""{first}', *(f"{indent}{line}" if line else "" for line in rest), f'{indent}"""']

    def _init(self, source: _Source, node: ast.FunctionDef, impl: str) -> list[str]:
        """Write the sub-managers; any other statement is refused."""
        lines = [
            f"    def __init__(self, portal: Portal, impl: {impl}) -> None:",
            "        super().__init__(portal, impl)",
        ]
        for statement in node.body:
            match statement:
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr="__init__"))):
                    pass
                case ast.Assign(
                    targets=[ast.Attribute(attr=attribute)],
                    value=ast.Call(func=ast.Name(id=manager), args=[ast.Name(id="transport")]),
                ):
                    lines.append(f"        self.{attribute} = {manager}(portal, impl.{attribute})")
                case _:
                    raise GenerationError(f"{source.path.name}: cannot read {source.segment(statement)!r}")
        return lines

    def _method(self, source: _Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
        if node.decorator_list or node.returns is None:
            raise GenerationError(f"{source.path.name}: {node.name} is decorated or has no return type")
        returns = self.rewritten(source.segment(node.returns))
        self._need_names(source, node.returns)
        call = self._call(node)
        walked = next((kind for kind in _WALKED if returns.partition("[")[0] == kind), None)
        if (walked is None) != isinstance(node, ast.AsyncFunctionDef):
            raise GenerationError(f"{source.path.name}: {node.name} must be async, or give a {_WALKED} and not be")
        if walked:
            delegate = f"return {walked}(self._portal, self._impl.{node.name}({', '.join(call)}))"
        else:
            keyword = "" if returns == "None" else "return "
            delegate = f"{keyword}self._call(self._impl.{node.name}({', '.join(call)}))"
        return [
            *self._signature(source, node, returns),
            *self._docstring(node, "        "),
            *_wrapped(delegate, "        "),
        ]

    def _signature(self, source: _Source, node: ast.FunctionDef | ast.AsyncFunctionDef, returns: str) -> list[str]:
        parameters = [self._parameter(source, *item) for item in _parameters(node.args)]
        line = f"    def {node.name}({', '.join(parameters)}) -> {returns}:"
        if len(line) <= _LINE:
            return [line]
        return [
            f"    def {node.name}(",
            *(f"        {parameter}," for parameter in parameters),
            f"    ) -> {returns}:",
        ]

    def _parameter(self, source: _Source, prefix: str, argument: ast.arg | None, default: ast.expr | None) -> str:
        if argument is None or argument.annotation is None:
            return f"{prefix}{argument.arg if argument else ''}"
        self._need_names(source, argument.annotation)
        annotation = source.segment(argument.annotation).partition(_OR_ASYNC)[0]
        text = f"{prefix}{argument.arg}: {self.rewritten(annotation)}"
        if default is None:
            return text
        self._need_names(source, default)
        return f"{text} = {source.segment(default)}"

    def _call(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
        """Give the arguments of the delegating line."""
        arguments = [_argument(argument.arg, ast.unparse(argument)) for argument in node.args.args[1:]]
        for argument in node.args.kwonlyargs:
            value = (
                f'in_callers_thread({argument.arg}, "{argument.arg}")'
                if argument.arg.startswith("on_")
                else argument.arg
            )
            arguments.append(f"{argument.arg}={value}")
        if node.args.kwarg:
            name = node.args.kwarg.arg
            has_callbacks = _WITH_CALLBACKS in ast.unparse(node.args.kwarg)
            arguments.append(f"**callbacks_in_callers_thread({name})" if has_callbacks else f"**{name}")
        return arguments

    def _need_names(self, source: _Source, node: ast.AST) -> None:
        imports = source.imports()
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and name.id in imports:
                self.needed.setdefault(name.id, imports[name.id])

    def text(self) -> str:
        unused = _RULES.keys() - self.used_rules
        if unused:
            raise GenerationError(f"rules that nothing needs any more: {sorted(unused)}")
        body = "\n".join(self.body)
        modules: dict[str, list[str]] = {}
        for name, module in self.needed.items():
            if re.search(rf"\b{name}\b", body):
                modules.setdefault(module, []).append(name)
        return f"{_BANNER}\n{_imports(modules)}\n{body}\n"


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, ast.arg | None, ast.expr | None]]:
    """Give prefix, parameter and default in the order of the signature."""
    if arguments.posonlyargs or arguments.vararg:
        raise GenerationError("positional-only and star parameters are not understood")
    plain = [None] * (len(arguments.args) - len(arguments.defaults))
    for argument, default in zip(arguments.args, [*plain, *arguments.defaults], strict=True):
        yield "", argument, default
    if arguments.kwonlyargs:
        yield "*", None, None
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield "", argument, default
    if arguments.kwarg:
        yield "**", arguments.kwarg, None


def _argument(name: str, declared: str) -> str:
    """Give a positional argument as it is handed on."""
    if _OR_ASYNC not in declared:
        return name
    return f"jobs_read_by_caller({name})" if _OF_JOBS in declared else f"read_by_caller({name})"


def _wrapped(code: str, indent: str, tail: str = "") -> list[str]:
    """Break a call that is too long for its line as the formatter does."""
    if len(indent) + len(code) + len(tail) <= _LINE:
        return [f"{indent}{code}{tail}"]
    head, _, inner = code.partition("(")
    inner, deeper = inner.removesuffix(")"), f"{indent}    "
    arguments = [inner] if len(deeper) + len(inner) <= _LINE else _arguments(inner)
    comma = "," if len(arguments) > 1 else ""
    lines = [line for argument in arguments for line in _wrapped(argument, deeper, comma)]
    return [f"{indent}{head}(", *lines, f"{indent}){tail}"]


def _arguments(inner: str) -> list[str]:
    """Take the arguments of a call apart, but not those of calls inside it."""
    arguments, depth = [""], 0
    for part in re.split(r"(, |[()])", inner):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == ", " and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += part
    return arguments


def _imports(modules: dict[str, list[str]]) -> str:
    standard = sorted(module for module in modules if not module.startswith("cfstream"))
    own = sorted(module for module in modules if module.startswith("cfstream"))
    groups = ["\n".join(_import(module, modules[module]) for module in group) for group in (standard, own)]
    return "\n\n".join(groups)


def _import(module: str, names: list[str]) -> str:
    ordered = sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name.lower()))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= _LINE:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def _in_order(sources: list[_Source]) -> list[tuple[_Source, ast.ClassDef]]:
    """Put every manager behind those it holds."""
    classes = {node.name: (source, node) for source in sources for node in source.classes()}
    ordered: dict[str, tuple[_Source, ast.ClassDef]] = {}

    def place(name: str) -> None:
        if name in ordered:
            return
        source, node = classes[name]
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in classes and inner.id != name:
                place(inner.id)
        ordered[name] = (source, node)

    for name in sorted(classes):
        place(name)
    return list(ordered.values())


def generate(resources: Path = _RESOURCES) -> str:
    """Give the text of the generated file.

    Raises:
        GenerationError: a manager has something that is not understood.
    """
    sources = [_Source.read(path) for path in sorted(resources.glob("*.py")) if path.name != "_base.py"]
    writer = _Writer()
    for source, node in _in_order(sources):
        writer.write_class(source, node)
    return writer.text()


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with ``--check`` tell whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the file is out of date")
    check = parser.parse_args(arguments).check
    text = generate()
    if not check:
        _TARGET.write_text(text, encoding="utf-8")
        return 0
    if _TARGET.read_text(encoding="utf-8") == text:
        return 0
    message = f"{_TARGET.name} is out of date: run python -m cfstream.sync._generate"
    print(message, file=sys.stderr)  # noqa: T201  # a command
    return 1


if __name__ == "__main__":
    sys.exit(main())
