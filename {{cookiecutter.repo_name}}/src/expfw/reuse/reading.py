"""What a Python file says of itself: which modules it imports, and what in it gives reason for doubt."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from expfw.reuse.doubts import chance_of, doubt, is_dynamic


@dataclass
class Reading:
    """One file.

    Args:
        imports: dotted names that it imports, or takes from what it imported; some are modules, some are not.
        stars: packages of which everything is imported.
        dynamic: whether it may bring in code that cannot be foreseen, or cannot be read.
        doubts: what is mentioned in it and makes a result depend on more than parameters and inputs, with the line.
    """

    imports: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    dynamic: bool = False
    doubts: list[str] = field(default_factory=list)


@lru_cache(maxsize=4096)  # many runs in one process read the same files
def read_code(content: bytes, module: str, *, package: bool) -> Reading:
    r"""Read a file.

    Args:
        content: the file's bytes.
        module: its dotted name.
        package: whether it is the ``__init__`` of a package.

    Example:
        >>> found = read_code(b"from .words import stem\nimport os\nkey = os.environ['KEY']", "mine.a", package=False)
        >>> sorted(found.imports), found.doubts
        (['mine.words', 'mine.words.stem', 'os', 'os.environ'], ['os.environ (line 3): environment variables'])
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return Reading(dynamic=True)
    reader = _Reader(module if package else module.rpartition(".")[0])
    nodes = list(ast.walk(tree))
    reader.names(nodes)
    reader.uses(nodes)
    return reader.found


class _Reader:
    def __init__(self, package: str) -> None:
        self.package, self.found = package, Reading()
        self.bound: dict[str, set[str]] = {}

    def names(self, nodes: Sequence[ast.AST]) -> None:
        """What is imported, wherever in the file, and under which names."""
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.note(alias.name, node.lineno)
                    top = alias.name.partition(".")[0]
                    self.bind(alias.asname or top, alias.name if alias.asname else top)
            elif isinstance(node, ast.ImportFrom):
                self.take(node)

    def take(self, node: ast.ImportFrom) -> None:
        base = self.absolute(node)
        self.note(base, node.lineno)
        for alias in node.names:
            if alias.name == "*":
                self.found.stars.add(base)
            else:
                self.note(f"{base}.{alias.name}", node.lineno)
                self.bind(alias.asname or alias.name, f"{base}.{alias.name}")

    def absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.package.split(".")
        above = parts[: len(parts) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])])

    def bind(self, name: str, meaning: str) -> None:
        self.bound.setdefault(name, set()).add(meaning)

    def note(self, name: str, line: int) -> None:
        """Note what is imported; of a module that is named to take a part of it, that part decides."""
        self.found.imports.add(name)
        self.judge(name, line, imported=True)

    def judge(self, name: str, line: int, *, imported: bool = False) -> None:
        self.found.dynamic = self.found.dynamic or is_dynamic(name)
        reason = None if imported and name in ("time", "locale", "tempfile") else doubt(name)
        if reason is not None and not any(text.startswith(f"{name} ") for text in self.found.doubts):
            self.found.doubts.append(f"{name} (line {line}): {reason}")

    def uses(self, nodes: Sequence[ast.AST]) -> None:
        """What is made of the names."""
        parts = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            if isinstance(node, ast.Attribute | ast.Name) and id(node) not in parts:
                for name in self.meanings(node):
                    if isinstance(node, ast.Attribute) and not name.startswith(("?", "builtins.")):
                        self.found.imports.add(name)
                    self.judge(name, node.lineno)
            if isinstance(node, ast.Call):
                self.call(node)

    def call(self, node: ast.Call) -> None:
        """A generator without a seed; a part of a module that is asked for by a name made elsewhere."""
        for name in self.meanings(node.func):
            reason = chance_of(name) if _without_seed(node) else None
            if reason is not None:
                self.found.doubts.append(f"{name}() (line {node.lineno}): {reason}")
            if name in ("builtins.getattr", "builtins.vars") and node.args and self.is_imported(node.args[0]):
                self.found.dynamic = True
                self.found.doubts.append(f"{name} of what is imported (line {node.lineno}): whatever it gives")

    def is_imported(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.bound

    def meanings(self, node: ast.AST) -> Iterator[str]:
        """The dotted names that an expression may stand for."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            roots = {"?"} if attributes else set()
        elif node.id in self.bound:
            roots = self.bound[node.id]
        else:
            roots = {f"builtins.{node.id}"} if hasattr(builtins, node.id) else {"?"}
        for root in roots:
            yield ".".join([root, *reversed(attributes)])


def _without_seed(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) and value.value is None for value in given)
