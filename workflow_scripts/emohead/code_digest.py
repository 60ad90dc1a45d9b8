"""A digest of the code that made a result: all modules that a script imports.

Snakemake keeps it with every result, as a parameter of the rule: what changes it runs the rule
again. Comments, docstrings, the types of a class's fields and the package's version don't, nor does
what only prints or draws.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

#: The folder of the scripts, in which the library lies.
SCRIPTS = Path(__file__).parent.parent
#: Files of a package that its modules read.
DATA_FILES = ("templates/*", "*.js", "*.csv")

#: (importing module, imported one): what the first one makes is the same whatever the second does.
ONLY_SHOWN = frozenset(
    {
        # Lines in the log and TensorBoard's curves: `Waiting` hands batches on as they come.
        ("emohead.training.loop", "emohead.training.progress"),
        # A picture every epoch: rendered without gradients or random numbers, in evaluation mode,
        # and the model's mode is put back.
        ("emohead.translator.fit", "emohead.translator.samples"),
        # The commonest reasons, in the error's message when too many clips are rejected.
        ("emohead.data.clip_tables", "emohead.data.rejects"),
        # Facts that are kept with a model, such as its time.
        ("emohead.training.checkpoint", "emohead.provenance"),
        ("emohead.training.loop", "emohead.provenance"),
        ("emohead.methods.device", "emohead.provenance"),
        ("emohead.evaluation.scores", "emohead.provenance"),
        ("score_clips", "emohead.provenance"),
        # This module: the key of clips that are extracted already.
        ("emohead.features.shard", "emohead.code_digest"),
    }
)

#: Where a statement holds others.
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def code_digest(script: str, *, without: Collection[str] = (), folder: Path = SCRIPTS) -> str:
    """A digest of a script in `folder` and of all modules that it imports, directly or not.

    `script` may be a module of the library, too, such as `emohead/features/clip.py`. Imports inside
    functions count. `without` are modules that this use of the script has no use for, as
    `emohead.config.unused_modules` names them.
    """
    seen, todo = {}, [_module_of(Path(script))]
    while todo:
        module = todo.pop()
        path = _file_of(module, folder)
        if module in seen or module in without or path is None:
            continue
        seen[module], imported = _read(path)
        todo += [name for name in imported if (module, name) not in ONLY_SHOWN]
    total = hashlib.sha256(repr(sorted(seen.items())).encode())
    return total.hexdigest()[:16]


def _module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


@cache
def _file_of(module: str, folder: Path) -> Path | None:
    """The file of a module or package; None where `folder` has none of that name."""
    path = folder.joinpath(*module.split("."))
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.is_file():
            return found
    return None


@cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """The digest of a module and of the data files beside it, and the names that it imports."""
    tree = ast.parse(path.read_bytes())
    for each in tree.body:
        for field in each.body if isinstance(each, ast.ClassDef) else ():
            if isinstance(field, ast.AnnAssign):  # what is allowed now was refused before
                field.annotation = None
    total = hashlib.sha256(_dump(tree).encode())
    for data in sorted(file for pattern in DATA_FILES for file in path.parent.glob(pattern)):
        total.update(data.name.encode() + data.read_bytes())
    return total.hexdigest(), tuple(dict.fromkeys(_imports(tree, path)))


def _dump(node: object) -> str:
    """A syntax tree as text, without what says nothing: as `ast.dump`, in any version of Python.

    That gives empty fields or doesn't, and a newer Python would be a reason to train again.
    """
    if isinstance(node, ast.AST):
        fields = [(name, getattr(node, name, None)) for name in node._fields]
        told = [f"{name}={_dump(value)}" for name, value in fields if value not in (None, [])]
        return f"{type(node).__name__}({','.join(told)})"
    if isinstance(node, list):
        return f"[{','.join([_dump(each) for each in node if not _says_nothing(each)])}]"
    return repr(node)


def _says_nothing(node: object) -> bool:
    """Whether a statement is a docstring or the package's version."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.Assign):
        return [getattr(target, "id", None) for target in node.targets] == ["__version__"]
    return False


def _imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """The full names that a module imports, as modules that they may be, and their packages."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        # Imports are statements: not all of the tree's expressions need to be looked through.
        todo += [each for name in _BLOCKS for each in getattr(node, name, ())]
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: import by the full name, from emohead...")
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: i + 1]) for i in range(len(parts)))
