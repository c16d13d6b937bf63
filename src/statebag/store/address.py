"""Make a store from its address."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from statebag.environment import folders_are_shared, store_options
from statebag.errors import ConfigurationError
from statebag.store.contract import Store

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["standing_in", "store_from_url", "store_of"]

_stand_ins: dict[str, list[Callable[[str], Store]]] = {}

_FORMS = (
    "Use s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///folder, a folder "
    "as ./folder, /folder or ~/folder, or memory://name"
)


def store_of(
    given: str | os.PathLike[str] | Store, *, options: Mapping[str, str] | None = None
) -> Store:
    """Return the store for an address, a path or a store, without retries.

    Args:
        given: An address as for `store_from_url`, a folder's path, or a store. A store that is not
            this library's is wrapped, so that its answers are checked.
        options: As for `store_from_url`, if `given` is an address.

    Raises:
        ConfigurationError: It is none of these, or as for `store_from_url`.
    """
    if options is not None and not isinstance(options, Mapping):
        raise ConfigurationError(f"options must be a dict, not {type(options).__qualname__}")
    if isinstance(given, str):
        return store_from_url(given, options=options)
    if isinstance(given, os.PathLike):
        path = os.fspath(given)
        return _file_store(_folder(path), store_options(path) | dict(options or {}))
    if not all(hasattr(given, name) for name in ("put", "get_ranges")):  # `url` may be a call
        raise ConfigurationError(
            f"store must be an address, a path or a store, not {type(given).__qualname__}",
            hint="Give an address, a folder's path, or a store such as those in statebag.store.",
        )
    from statebag.store.checked import checked

    return checked(given)


def store_from_url(url: str, *, options: Mapping[str, str] | None = None) -> Store:
    """Return the store at an address, without retries.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `file:///folder`,
            a folder's path (`./folder`, `../folder`, `/folder`, `~/folder`) or `memory://name`.
        options: For object storage, see `ObjectStorage`. For folders, `create`: `true` (the
            default) creates a missing folder, `false` refuses it; `shared`: `true` lets the umask
            decide who may read new files, `false` (the default, unless STATEBAG_SHARED_FOLDERS
            is set) allows only the owner. Options that STATEBAG_STORE_OPTIONS has for the
            address are added; those given here win.

    Raises:
        ConfigurationError: The address has none of these forms, an option is not known, or the
            store cannot be used.
    """
    from statebag.format.arguments import check_kind, check_optional

    check_kind("url", url, str, "a str")
    check_optional({"options": options}, Mapping, "an object of texts by name")
    # Each backend is loaded only where it is used: most handlers need one of them.
    options = store_options(url) | dict(options or {})
    scheme, separator, rest = url.partition("://")
    if not separator:
        if _is_path(url):
            return _file_store(_folder(url), options)
        raise ConfigurationError("the store's address has neither a scheme nor a path", hint=_FORMS)
    if stand_ins := _stand_ins.get(scheme):
        return stand_ins[-1](url)
    if scheme in {"s3", "gs", "az"}:
        from statebag.store.object_storage import ObjectStorage

        return ObjectStorage(url, options=options)
    if scheme == "file":
        from pathlib import Path
        from urllib.parse import urlsplit

        address = urlsplit(url)
        if address.netloc not in {"", "localhost"} or not address.path or "?" in url or "#" in url:
            raise ConfigurationError(
                "the store's file address is not file:/// and an absolute path", hint=_FORMS
            )
        return _file_store(Path(_path_of(address.path)), options)
    if scheme == "memory":
        from statebag.store.memory import MemoryStore

        _refuse(options, known=set())
        if any(mark in rest for mark in "?#@"):
            raise ConfigurationError(
                "the name in the store's memory address has ?, # or @ in it",
                hint=_FORMS,
            )
        return MemoryStore.named(rest.strip("/"))
    raise ConfigurationError(
        "there is no store for "
        + (f"the scheme {scheme[:20]!r}" if scheme.isalnum() else "the scheme of this address"),
        hint=_FORMS,
    )


@contextmanager
def standing_in(scheme: str, make_store: Callable[[str], Store]) -> Iterator[None]:
    """Make stores with `make_store` for addresses of a scheme, in all threads, inside the block.

    An engine on this machine uses it for its own buckets. If several blocks are active at once, the
    one that began last makes the stores.
    """
    making = _stand_ins.setdefault(scheme, [])
    making.append(make_store)
    try:
        yield
    finally:
        making.remove(make_store)


def _path_of(url_path: str) -> str:
    """Return the file system's path in a file address: `/C:/folder` is `C:/folder` on Windows."""
    from urllib.parse import unquote

    path = unquote(url_path)
    drive = os.name == "nt" and len(path) > 2 and path[2] == ":"
    return path[1:] if drive else path


def _is_path(url: str) -> bool:
    """Return whether the text can only be a path: a bare word may be a mistyped address."""
    starts = ("./", "../", "~", "/") if os.name != "nt" else ("./", "../", "~", "/", ".\\", "..\\")
    return url in {".", ".."} or url.startswith(starts) or os.path.isabs(url)  # noqa: PTH117 (as above)


def _folder(path: str) -> Path:
    from pathlib import Path

    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(
            "this system does not know the home folder in the store's address",
            hint="Use an absolute path",
        ) from error


def _file_store(folder: Path, options: Mapping[str, str]) -> Store:
    from statebag.store.file import FileStore

    _refuse(options, known={"create", "shared"})
    return FileStore(
        folder,
        create=_switch(options, "create", default=True),
        shared=_switch(options, "shared", default=folders_are_shared()),
    )


def _switch(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = options.get(name, str(default).lower())
    if text not in {"true", "false"}:
        raise ConfigurationError(f"the option {name} must be 'true' or 'false', not {text!r:.20}")
    return text == "true"


def _refuse(options: Mapping[str, str], *, known: set[str]) -> None:
    unknown = sorted(str(one) for one in set(options) - known)
    if unknown:
        raise ConfigurationError(f"this kind of store has no option {', '.join(unknown)}")
