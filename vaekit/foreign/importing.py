"""From the words FILE.py:Class to the class, although its file was not written to be imported.

The file is imported as a part of the repository it lies in: `from src.x import y`, relative imports and imports of
the file beside it all work. Code runs only because the user named the file.
"""

import ast
import builtins
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from vaekit.errors import ConfigError, did_you_mean
from vaekit.foreign.partial_run import NEVER_HIDDEN, Definitions, failures_of, holds_source, is_below, one_line
from vaekit.foreign.quarantine import from_home, quarantine

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "environment.yml", "README.md", "LICENSE")
LEVELS = 6  # so far up is a repository's root looked for


class Repository:
    """The source tree around a model's file, importable only while it is `entered`.

    Attributes:
        root: its topmost folder.
        folders: the root and every folder from there down to the file's own.
        modules: what was imported from it, kept out of `sys.modules` outside.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        package = file.parent
        while (package / "__init__.py").is_file():
            package = package.parent
        self.package_parent = package
        self.root = _root(package)
        between = file.parent.relative_to(self.root).parts
        self.folders = [self.root.joinpath(*between[:depth]) for depth in range(len(between) + 1)]
        self.modules: dict[str, ModuleType] = {}
        self.is_entered = False

    @property
    def path(self) -> list[Path]:
        """Where its modules are looked for, in this order."""
        return [*dict.fromkeys([self.package_parent, *self.folders])]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every source file that was imported from the repository."""
        found = {Path(file) for module in self.modules.values() if (file := getattr(module, "__file__", None))}
        return tuple(sorted(found | {self.file}))

    @property
    def dotted(self) -> str:
        """The file's name as a module of its package, or of the root where it is in none."""
        top = self.package_parent if self.package_parent != self.file.parent else self.root
        return ".".join(self.file.relative_to(top).with_suffix("").parts)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Run what is inside under quarantine, with the repository on the path and its modules importable."""
        self.is_entered = True
        tops = {top for top in {name.split(".")[0] for name in sys.modules} if self._hides(top)}
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in tops}
        before, path = set(sys.modules), list(sys.path)
        sys.modules.update(self.modules)
        sys.path[:0] = [str(folder) for folder in self.path]
        importlib.invalidate_caches()
        try:
            with quarantine():
                yield
        finally:
            self.is_entered = False
            new = {name: sys.modules[name] for name in set(sys.modules) - before}
            self.modules = {name: module for name, module in new.items() if self._holds(module)}
            for name in self.modules:
                del sys.modules[name]
            sys.modules.update(hidden)
            sys.path[:] = path

    def builtins(self, finder: Definitions) -> dict[str, Any]:
        """Return builtins for its code, whose imports find the repository also after it was left, as in a forward."""

        def imported(name: str, *context: Any, **more: Any) -> ModuleType:
            level = context[3] if len(context) > 3 else more.get("level", 0)
            if self.is_entered or (level == 0 and not self._hides(name.split(".")[0])):
                return __import__(name, *context, **more)
            with self.entered(), finder.installed():
                return __import__(name, *context, **more)

        return {**vars(builtins), "__import__": imported}

    def _hides(self, name: str) -> bool:
        """Whether a module of this process has the name of one of the repository's."""
        if name in NEVER_HIDDEN:
            return False
        places = [(folder / f"{name}.py", folder / name) for folder in self.path]
        return any(file.is_file() or (package.is_dir() and holds_source(package)) for file, package in places)

    def _holds(self, module: ModuleType) -> bool:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(is_below(place, self.root) for place in places if place)


def _root(package: Path) -> Path:
    above = [package, *package.parents][:LEVELS]
    for folder in above:
        if (folder / ".git").exists():
            return folder
    for folder in above:
        if any((folder / marker).is_file() for marker in MARKERS):
            return folder
    return package


@dataclass(frozen=True)
class Imported:
    """A module of the user's, and how it came to be imported.

    Attributes:
        module: its namespace.
        repository: the tree around it; none for an installed package.
        notes: sentences that a report must say.
        missing: packages that it wants and that are not installed.
    """

    module: ModuleType
    repository: Repository | None
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Run what is inside as the module's own code runs."""
        with self.repository.entered() if self.repository else quarantine():
            yield

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the user's whose code was run."""
        if self.repository:
            return self.repository.files
        return (Path(self.module.__file__),) if self.module.__file__ else ()

    def find(self, name: str) -> Any:
        """Return what the module calls `name`.

        Raises:
            ConfigError: no such name, or one whose definition needs something that is missing.
        """
        found: Any = self.module
        for part in name.split("."):
            if not hasattr(found, part):
                raise ConfigError(self._no_such(name))
            found = getattr(found, part)
        return found

    def _no_such(self, name: str) -> str:
        place = self.module.__file__ or self.module.__name__
        if self.missing:
            return f"{name} of {place} can not be defined: it needs {package_list(self.missing)}."
        if reason := failures_of(self.module).get(name):
            return f"{name} of {place} can not be defined: {reason}."
        classes = [k for k, v in vars(self.module).items() if isinstance(v, type) and issubclass(v, nn.Module)]
        return f"{place} has no class {name!r}." + (did_you_mean(name, classes) if classes else "")


def package_list(missing: tuple[str, ...]) -> str:
    """Return the sentence's end that names packages to install."""
    names = ", ".join(missing)
    plural = "s" if len(missing) > 1 else ""
    return (
        f"the package{plural} {names}, which {'are' if plural else 'is'} not installed: `pip install` what provides it"
    )


def import_file(file: Path) -> Imported:
    """Import a model's file as a part of its repository; where that fails, run only a part of it and say so.

    Raises:
        ConfigError: no such file, or no Python.
    """
    file = from_home(file).resolve()
    if not file.is_file():
        raise ConfigError(f"There is no file {file}: give the model as FILE.py:Class.")
    try:
        ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{file} is no Python that can be read ({error}): give the model as FILE.py:Class.") from None
    repository, errors = Repository(file), []
    for nearest_first, forgiving in ((False, False), (True, False), (False, True)):
        repository.modules = {}  # nothing of the way that failed before
        folders = repository.path[::-1] if nearest_first else repository.path
        finder = Definitions(repository.root, folders, forgiving)
        finder.builtins = repository.builtins(finder)
        name = file.stem if nearest_first else repository.dotted
        try:
            with repository.entered(), finder.installed():
                module = importlib.import_module(name)
            return Imported(module, repository, finder.notes, finder.missing)
        except (Exception, SystemExit) as error:
            errors.append(one_line(error))
    raise ConfigError(f"{file} can not be imported: {errors[0]}.")


def import_named(words: str, option: str = "--model") -> tuple[Imported, str]:
    """Return the imported module and the name in it that FILE.py:Class or package.module:Class says.

    Raises:
        ConfigError: words of another form, or a module that can not be imported.
    """
    place, colon, name = words.rpartition(":")
    if not colon or not name.isidentifier() or not place:
        raise ConfigError(
            f"{option} {words!r} names no class: give FILE.py:Class, such as models/vae.py:VAE, or "
            "package.module:Class for an installed package."
        )
    if place.endswith(".py") or "/" in place:
        return import_file(Path(place)), name
    try:
        with quarantine():
            return Imported(importlib.import_module(place), None), name
    except ImportError as error:
        raise ConfigError(
            f"{option} {words!r}: {one_line(error)}. Give FILE.py:Class, or install the package first."
        ) from None
