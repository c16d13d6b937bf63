"""Return the files of the page, and all its scripts as one for a file without a server."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["linked_script", "media_type", "page_files"]

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The forms of imports and exports that the page's own scripts have, and those of the vendored one.
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w/-]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) (\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(r"export\s*\{([^}]*)\};?\s*\Z")


@cache
def page_files() -> dict[str, bytes]:
    """Return all files of the page by their names, such as `vendor/htm-preact.js`.

    A request names one of these, so it can name no other file of the machine.
    """
    return {
        file.relative_to(_FOLDER).as_posix(): file.read_bytes()
        for file in sorted(_FOLDER.rglob("*"))
        if file.suffix in _TYPES
    }


def media_type(name: str) -> str:
    """Return the media type of a file of the page."""
    return _TYPES[Path(name).suffix]


@cache
def linked_script() -> str:
    """Return all scripts as one, since a file that is opened from a disk cannot import others.

    Each module becomes a function that returns its exports, after those that it imports.
    """
    modules = {
        name.removesuffix(".js"): data.decode()
        for name, data in page_files().items()
        if name.endswith(".js")
    }
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for _, needed in _IMPORT.findall(modules[name]):
            visit(needed)
        ordered.append(name)

    visit("app")
    script = "".join(_as_function(name, modules[name]) for name in ordered)
    return script.replace("</script", "<\\/script")  # in a string, the same text


def _as_function(name: str, source: str) -> str:
    listed = _EXPORT_LIST.search(source)
    if listed is not None:  # as a minifier writes it: `export{a as h,b as html};`
        pairs = [pair.split(" as ") for pair in listed[1].split(",")]
        exports = ",".join(f"{pair[-1].strip()}:{pair[0].strip()}" for pair in pairs)
        source = source[: listed.start()]
    else:
        exports = ",".join(_EXPORT.findall(source))
        source = _EXPORT.sub("", source)
        source = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_variable(found[2])};", source)
    return f"const {_variable(name)} = (() => {{\n{source}\nreturn {{{exports}}};\n}})();\n"


def _variable(module: str) -> str:
    return "module_" + re.sub(r"\W", "_", module)
