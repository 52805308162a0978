"""Name -> thing, filled by importing the modules of one package and the entry points of other people's packages."""

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from vaekit.errors import ConfigError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """The things of one kind that vaekit knows by name.

    `package` is imported module by module on first use, so that a new file is enough to add a thing; entry points
    of the group `vaekit.<kind>s` let other packages add theirs.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._things: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name`; a name taken twice is a programming error."""

        def file_it(thing: T) -> T:
            if name in self._things:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._things[name] = thing
            return thing

        return file_it

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self.package)
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{self.package}.{module}")
        for point in sorted(entry_points(group=f"vaekit.{self.kind}s"), key=lambda p: p.name):
            point.load()  # importing the module runs its decorator

    def names(self) -> list[str]:
        """Return every known name, in the order of registration (files alphabetically, then entry points)."""
        self._load()
        return list(self._things)

    def items(self) -> list[tuple[str, T]]:
        """Return (name, thing) pairs in the order of `names`."""
        self._load()
        return list(self._things.items())

    def get(self, name: str) -> T:
        """Return the thing called `name`; ConfigError with the near match where there is none."""
        self._load()
        if name not in self._things:
            raise ConfigError(f"There is no {self.kind} called {name!r}.{did_you_mean(name, self._things)}")
        return self._things[name]
