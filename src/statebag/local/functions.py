"""Import a workflow's functions into this process, each with its own modules.

In Lambda every function is a process, and its code's folder is first on the path. Here each
function gets a private package, `statebag_function_<n>`, whose path is that folder. Modules in the
folder are loaded separately for each function, under that package, so two folders with an `app.py`
do not collide. Installed packages and the standard library are imported normally and shared.

The redirection is inside these modules: each is executed with a special `__import__` (the import
statement looks it up in the module's `__builtins__`, Python language reference, section 5.3). So no
other module of the process is affected, and threads do not interfere.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.metadata
import importlib.util
import itertools
import sys
import threading
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.local.handler_environment import environment_set

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statebag.asl.template import FunctionSource
    from statebag.local.execution import Handler

__all__ = ["Function"]

_ROOT = "statebag_function_"
_numbers = itertools.count()
_packages: dict[str, _Package] = {}


class _Package:
    """The private package of one function: its folders and the modules in them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.name = f"{_ROOT}{next(_numbers)}"
        self.path = [str(folder) for folder in folders]
        self._own: dict[str, bool] = {}
        self._vendored = _vendored(self.path)
        module = ModuleType(self.name)
        module.__path__ = self.path
        module.__spec__ = ModuleSpec(self.name, None, is_package=True)
        module.__spec__.submodule_search_locations = self.path
        _packages[self.name] = self
        sys.modules[self.name] = module
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        importlib.invalidate_caches()

    def owns(self, top_level: str) -> bool:
        """Return whether a top-level module comes from the folders; statebag itself never does."""
        known = self._own.get(top_level)
        if known is None:
            spec = PathFinder.find_spec(f"{self.name}.{top_level}", self.path)
            known = top_level != "statebag" and spec is not None
            # An installed package wins over two kinds: a folder without __init__.py, as always, and
            # a copy that pip installed next to the code. Such a copy would be loaded once per
            # function, and a copy of boto3 would call AWS instead of the local engine.
            yields = (spec is not None and spec.loader is None) or top_level in self._vendored
            if known and yields:
                known = importlib.util.find_spec(top_level) is None
            self._own[top_level] = known
        return known

    def builtins(self) -> dict[str, Any]:
        """Return the builtins that the modules of this package see."""
        return {**vars(builtins), "__import__": self._import}

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Import a module as `importlib.import_module` does, but look into the folders first."""
        if not name.startswith(".") and self.owns(name.partition(".")[0]):
            name = f"{self.name}.{name}"
        return importlib.import_module(name, package)

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the names of __import__
        locals: Mapping[str, object] | None = None,  # noqa: A002 - the names of __import__
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top_level = name.partition(".")[0]
        if level > 0 and str((globals or {}).get("__package__")).count(".") < level:
            # In Lambda the folder itself is not a package.
            raise ImportError("attempted relative import beyond the function's folder")
        if level == 0 and self.owns(top_level):
            module = builtins.__import__(f"{self.name}.{name}", globals, locals, fromlist or (), 0)
            # Without a list of names the statement binds the first part: here, the one below
            # the private package.
            return module if fromlist else sys.modules[f"{self.name}.{top_level}"]
        module = builtins.__import__(name, globals, locals, fromlist or (), level)
        return _Importlib(self) if module is importlib else module


def _vendored(folders: Sequence[str]) -> frozenset[str]:
    """Return the top-level modules of distributions that were installed into the folders."""
    return frozenset(
        file.parts[0].removesuffix(".py")
        for distribution in importlib.metadata.distributions(path=list(folders))
        for file in distribution.files or ()
    )


class _Importlib(ModuleType):
    """The `importlib` that a function's module sees; only `import_module` differs."""

    def __init__(self, package: _Package) -> None:
        super().__init__("importlib", importlib.__doc__)
        self.import_module = package.import_module

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


class _Loader(SourceFileLoader):
    """A loader that executes a module with the builtins of its private package."""

    def exec_module(self, module: ModuleType) -> None:
        package = _packages[module.__name__.partition(".")[0]]
        vars(module)["__builtins__"] = package.builtins()
        super().exec_module(module)


class _Finder:
    """A finder for modules below private packages; other finders handle the rest."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in _packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


_finder: Any = _Finder()


class Function:
    """One function of a workflow, to be called with an event and a context.

    `load()` or the first call imports its module. The function's environment variables are set
    during the import and each call (`environment_set`).

    Args:
        source: Where its code is.
    """

    def __init__(self, source: FunctionSource) -> None:
        self.source = source
        self._handler: Handler | None = None
        self._lock = threading.Lock()

    def load(self) -> None:
        """Import the function's module; do nothing if it is already imported.

        Raises:
            ConfigurationError: The module or the function is not there, or the import failed.
        """
        with environment_set(self.source.environment):
            self._loaded()

    def __call__(self, event: Any, context: Any) -> Any:
        """Return what the function returns; its exceptions pass through."""
        with environment_set(self.source.environment):
            return self._loaded()(event, context)

    def _loaded(self) -> Handler:
        with self._lock:
            if self._handler is None:
                self._handler = _import_handler(self.source)
            return self._handler


def _import_handler(source: FunctionSource) -> Handler:
    # Lambda takes `package/module.function` as well as `package.module.function`.
    dotted, _, attribute = source.handler.replace("/", ".").rpartition(".")
    if not dotted.strip(".") or ".." in dotted or not attribute:
        raise ConfigurationError(
            f"{source.origin}: the handler {source.handler} is not module.function"
        )
    package = _Package(source.folders)
    file = source.folders[0].joinpath(*dotted.split(".")).with_suffix(".py")
    if not source.installed and not package.owns(dotted.partition(".")[0]):
        raise _no_module(source, dotted, file)
    module = _import(source, package, dotted, file)
    handler = getattr(module, attribute, None)
    if not callable(handler):
        what = "no function" if handler is None else "something that is not a function as"
        raise ConfigurationError(f"{source.origin}: {module.__file__} has {what} {attribute}")
    return handler  # type: ignore[no-any-return]  # any callable; what it returns is the engine's


def _import(source: FunctionSource, package: _Package, dotted: str, file: Path) -> ModuleType:
    try:
        return package.import_module(dotted)
    except ModuleNotFoundError as error:
        missing = (error.name or "").removeprefix(f"{package.name}.")
        if dotted == missing or dotted.startswith(f"{missing}."):
            raise _no_module(source, dotted, file) from error
        raise ConfigurationError(
            f"{source.origin}: {_where(error, source)} imports {missing}, which is not installed",
            hint=f"Install it: {_install(source, missing)}",
        ) from error
    except SyntaxError as error:
        raise ConfigurationError(
            f"{source.origin}: {error.filename}, line {error.lineno}: {error.msg}"
        ) from error
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{source.origin}: {_where(error, source)} failed while it was imported: "
            f"{_reason(error, package)}"
        ) from error


def _no_module(source: FunctionSource, dotted: str, file: Path) -> ConfigurationError:
    if source.installed:
        return ConfigurationError(
            f"{source.origin}: the module {dotted} is neither in {source.folders[0]} nor installed"
        )
    return ConfigurationError(
        f"{source.origin}: the handler {source.handler} needs the file {file}, which is not there"
    )


def _reason(error: BaseException, package: _Package) -> str:
    text = " ".join(str(error).replace(f"{package.name}.", "").split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error: BaseException, source: FunctionSource) -> str:
    """Return the last line of the function's own code that an error passed through."""
    place = str(source.folders[0])
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if any(file.is_relative_to(folder) for folder in source.folders):
            place = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _install(source: FunctionSource, missing: str) -> str:
    for folder in source.folders:
        requirements = folder / "requirements.txt"
        if requirements.is_file():
            return f"pip install -r {requirements}"
    return f"pip install {missing.partition('.')[0]}"
