"""Running only the definitions of a file: for one that starts work of its own, or fails, when it is imported."""

import argparse
import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

NEVER_HIDDEN = {"torch", "torchvision", "numpy", "vaekit", *sys.stdlib_module_names}
FAILURES = "__vaekit_failures__"
# A constant may be computed by calling these; whatever else is called could be the work that must not start.
PLAIN_PACKAGES = {"torch", "torchvision", "numpy", "argparse", *sys.stdlib_module_names}


def is_script(tree: ast.Module) -> str | None:
    """Return why importing a file would start work, such as a training loop, or None where nothing looks like it."""
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        loops = isinstance(node, ast.For | ast.While) and any(isinstance(n, ast.Call) for n in ast.walk(node))
        calls = (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in own
        )
        if loops or calls:
            line = ast.unparse(node).splitlines()[0][:60]
            return f"it starts work of its own when it is run (line {node.lineno}: {line})"
    return None


def holds_source(folder: str | Path) -> bool:
    """Whether a folder can be a package: there are Python files in it or right below."""
    return any(any(Path(folder).glob(pattern)) for pattern in ("*.py", "*/*.py"))


def is_below(file: str | Path, root: Path) -> bool:
    """Whether a file belongs to the repository at `root`, an environment of installed packages in it left out."""
    return Path(file).is_relative_to(root) and "site-packages" not in Path(file).relative_to(root).parts


def failures_of(module: ModuleType) -> dict[str, str]:
    """Return why which name of a partly run module could not be defined."""
    found: dict[str, str] = getattr(module, FAILURES, {})
    return found


class Definitions(importlib.abc.MetaPathFinder):
    """Imports what lies in `folders`: what starts work only in part, and, if `forgiving`, so too what fails.

    What lies there goes before an installed package of the same name, a folder without __init__.py too.

    Attributes:
        builtins: that its code is run with.
    """

    def __init__(self, root: Path, folders: Sequence[Path], forgiving: bool) -> None:
        self.root, self.folders, self.forgiving = root, [*map(str, folders)], forgiving
        self.builtins: dict[str, object] = vars(builtins)
        self._missing: dict[str, None] = {}
        self._reasons: dict[str, str] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that were wanted and are not installed, in the order of the imports."""
        return tuple(self._missing)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each file of which only a part was run."""
        return tuple(
            f"Only the imports, classes, functions and constants of {name} were run, because {reason}."
            for name, reason in self._reasons.items()
        )

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Use this finder for the imports inside."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a source file under the root; None leaves the module to the ordinary finders."""
        if path is None and fullname in NEVER_HIDDEN:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path or self.folders, target)
        if spec is None:
            return None
        if spec.origin is None:  # a folder without __init__.py
            return spec if any(map(holds_source, spec.submodule_search_locations or ())) else None
        if not isinstance(spec.loader, importlib.machinery.SourceFileLoader) or not is_below(spec.origin, self.root):
            return None
        spec.loader = _Loader(fullname, spec.origin, self)
        return spec

    def partly(self, path: str, reason: str) -> None:
        """Remember that only a part of a file is run."""
        self._reasons[str(Path(path).relative_to(self.root))] = reason

    def wanted(self, error: BaseException) -> None:
        """Remember the package that an import asked for."""
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.split(".")[0]
            if importlib.util.find_spec(package) is None:
                self._missing[package] = None


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, finder: Definitions) -> None:
        super().__init__(fullname, path)
        self.finder = finder

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.parse(self.get_data(self.path))
        vars(module)["__builtins__"] = self.finder.builtins
        reason, before = is_script(tree), dict(vars(module))
        if reason is None:
            try:
                super().exec_module(module)
                return
            except (Exception, SystemExit) as error:
                if not self.finder.forgiving:
                    raise
                reason = f"importing it failed: {one_line(error)}"
                vars(module).clear()
                vars(module).update(before)
        self.finder.partly(self.path, reason)
        setattr(module, FAILURES, {})
        for statement in tree.body:
            if _defines(statement, vars(module)):
                self._run(statement, module)

    def _run(self, statement: ast.stmt, module: ModuleType) -> None:
        code = compile(ast.Module([statement], []), self.path, "exec")
        try:
            exec(code, vars(module))
        except (Exception, SystemExit) as error:
            self.finder.wanted(error)
            if isinstance(statement, ast.ClassDef | ast.FunctionDef):
                failures_of(module)[statement.name] = one_line(error)


def one_line(error: BaseException) -> str:
    """Return an error's kind and the first line of its text."""
    text = (str(error).strip().splitlines() or [""])[0].rstrip(".")[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _defines(node: ast.stmt, space: dict[str, object]) -> bool:
    """Tell whether a statement is an import, a definition or a constant, or made of such."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef):
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return all(_is_plain(call, space) for call in ast.walk(node) if isinstance(call, ast.Call))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return isinstance(_called(node.value, space), argparse._ActionsContainer)
    if isinstance(node, ast.If):
        return all(_defines(inner, space) for inner in [*node.body, *node.orelse])
    if isinstance(node, ast.Try):
        handlers = [inner for handler in node.handlers for inner in handler.body]
        return all(isinstance(inner, ast.Pass) or _defines(inner, space) for inner in [*node.body, *handlers])
    return False


def _called(call: ast.Call, space: dict[str, object]) -> object:
    root: ast.expr = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return None
    return space.get(root.id, getattr(builtins, root.id, None))


def _is_plain(call: ast.Call, space: dict[str, object]) -> bool:
    root = _called(call, space)
    if root is None:  # called on another call's result, which is judged by itself
        return not isinstance(call.func, ast.Name)
    place = root.__name__ if isinstance(root, ModuleType) else getattr(root, "__module__", type(root).__module__)
    return str(place).split(".")[0] in PLAIN_PACKAGES
