"""Lambda archives from locked wheels: a layer and a function, the same bytes every time.

    python deploy/package.py --architecture arm64 --python 3.13

The wheels are those whose SHA-256 `requirements/lambda.lock` lists; pip takes no others. Which of
them are needed is judged for the runtime's Python and processor, not for this machine's. What is in
an archive is sorted by name and dated 1980-01-01, with the modes that Lambda asks for. With
`--bytecode` each module is there compiled too: a Lambda's disk cannot be written to, so each start
would compile it. That takes the runtime's own version of Python, and its bytes are that one's.

    python deploy/package.py --architecture arm64 --python 3.13 --unpack FOLDER

writes the layer's files to a folder, for a build tool that makes the archive itself (SAM).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import py_compile
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

__all__ = ["ARCHITECTURES", "archives", "main", "requirements_for", "unpack"]

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "lambda.lock"
FUNCTIONS = Path(__file__).resolve().parent / "functions"
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names, and those of wheels."""

LARGEST = 15_000_000
"""Bytes of an archive, zipped; Lambda takes 50 MB, and a start gets slower with each."""

_LEFT_OUT = ("statebag/cli/", "statebag/local/", "statebag/ui/")
"""What no function imports: the program and its page, which need other packages, and the engine."""

# Lambda's Python 3.12 and newer run on Amazon Linux 2023, which has glibc 2.34; its 3.11 on
# Amazon Linux 2, which has 2.26. A wheel may ask for no newer one.
_NEWEST_GLIBC = {"3.11": 26}
_USUAL_GLIBC = 34
_OLDEST_GLIBC = 17
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold


def main() -> None:
    """Read the arguments, make both archives, and say what they are; or unpack the layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    parser.add_argument("--python", default="3.13", help="the runtime's version")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "lambda")
    parser.add_argument("--bytecode", action="store_true", help="compile the modules as well")
    parser.add_argument("--unpack", type=Path, help="write the layer's files to this folder")
    arguments = parser.parse_args()
    if arguments.unpack is not None:
        if len(arguments.architecture or ()) != 1:
            parser.error("--unpack needs one --architecture")
        unpack(
            arguments.architecture[0],
            arguments.python,
            arguments.unpack,
            bytecode=arguments.bytecode,
        )
        return
    for architecture in arguments.architecture or ARCHITECTURES:
        for file in archives(
            architecture, arguments.python, arguments.output, bytecode=arguments.bytecode
        ):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            print(f"{file}: {file.stat().st_size:,} bytes, sha256 {digest}")


def archives(
    architecture: str, python: str, output: Path, *, bytecode: bool = False
) -> tuple[Path, Path]:
    """The layer's and the function's archive.

    Args:
        architecture: `arm64` or `x86_64`.
        python: The runtime's version, as `3.13`.
        output: The folder to write to.
        bytecode: Compile the modules as well.

    Raises:
        SystemExit: statebag does not run on that Python, a wheel is missing or is not the locked
            one, an archive is too large, or bytecode is asked for and this is another version of
            Python than the runtime's.
    """
    installed = _installed(architecture, python, bytecode=bytecode)
    output.mkdir(parents=True, exist_ok=True)
    suffix = f"{architecture}-python{python}.zip"
    layer = output / f"statebag-layer-{suffix}"
    _write(layer, _layer(installed, bytecode=bytecode))
    function = output / f"statebag-function-{suffix}"
    own = {
        file.relative_to(FUNCTIONS).as_posix(): file.read_bytes()
        for file in sorted(FUNCTIONS.rglob("*.py"))
    }
    found = installed | own
    _write(function, found | (_compiled(found) if bytecode else {}))
    return layer, function


def unpack(architecture: str, python: str, folder: Path, *, bytecode: bool = False) -> None:
    """Write the layer's files to a folder: `python/...`.

    Args and errors: as for `archives`.
    """
    installed = _installed(architecture, python, bytecode=bytecode)
    for name, data in _layer(installed, bytecode=bytecode).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(_mode(name))


def requirements_for(lock: str, architecture: str, python: str) -> str:
    """Return the lines of a lock that a runtime needs, without their environment markers.

    pip judges a marker by the Python that runs it, also where it downloads for another one.

    Args:
        lock: The text of a requirements file with hashes.
        architecture: `arm64` or `x86_64`.
        python: The runtime's version, as `3.13`.
    """
    kept: list[str] = []
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        text, *hashes = line.partition("#")[0].split(" --hash=")
        if not text.strip():
            continue
        wanted = Requirement(text.strip())
        marker = wanted.marker
        if marker is not None and not any(
            marker.evaluate(one) for one in _environments(architecture, python)
        ):
            continue
        wanted.marker = None
        kept.append(" ".join([str(wanted), *(f"--hash={one.strip()}" for one in hashes)]))
    return "\n".join(kept) + "\n"


def _environments(architecture: str, python: str) -> list[dict[str, str]]:
    """The runtime as markers describe it, in its first release and in any later one.

    Lambda's patch releases change; a package that only some of them need does no harm in others.
    """
    return [
        {
            "implementation_name": "cpython",
            "implementation_version": f"{python}.{patch}",
            "os_name": "posix",
            "platform_machine": ARCHITECTURES[architecture],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{python}.{patch}",
            "python_version": python,
            "sys_platform": "linux",
        }
        for patch in (0, 99)
    ]


def _installed(architecture: str, python: str, *, bytecode: bool) -> dict[str, bytes]:
    """What the wheels for a runtime install, by name."""
    if bytecode and python != f"{sys.version_info.major}.{sys.version_info.minor}":
        sys.exit(
            f"bytecode for Python {python} is made by Python {python}: run this script with it"
        )
    if not re.fullmatch(r"3\.\d{1,2}", python):
        sys.exit(f"--python must be a version as 3.13, not {python!r}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if f"{python}.0" not in SpecifierSet(project["requires-python"]):
        sys.exit(f"statebag needs Python {project['requires-python']}, not {python}")
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        _download(wheels, architecture, python)
        _build_own(wheels)
        return _contents(wheels)


def _layer(installed: dict[str, bytes], *, bytecode: bool) -> dict[str, bytes]:
    """The files of a layer, by name."""
    found = {f"python/{name}": data for name, data in installed.items()}
    return found | (_compiled(found) if bytecode else {})


def _download(wheels: Path, architecture: str, python: str) -> None:
    machine = ARCHITECTURES[architecture]
    newest = _NEWEST_GLIBC.get(python, _USUAL_GLIBC)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    tags.append(f"manylinux2014_{machine}")
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    options += [f"--platform={tag}" for tag in tags]
    needed = wheels / "requirements.txt"
    needed.write_text(requirements_for(LOCK.read_text("utf-8"), architecture, python), "utf-8")
    _pip("download", *options, f"--python-version={python}", f"--dest={wheels}", f"-r{needed}")


def _build_own(wheels: Path) -> None:
    _pip("wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={wheels}", str(ROOT))


def _pip(command: str, *options: str) -> None:
    # What is built has this date in it, whenever that is.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}
    usual = ("--quiet", "--disable-pip-version-check")
    called = [sys.executable, "-m", "pip", command, *usual, *options]
    if subprocess.run(called, env=environment, check=False).returncode:
        sys.exit(f"pip {command} failed")


def _contents(wheels: Path) -> dict[str, bytes]:
    """What the wheels install, by name; each name once. Commands and `_LEFT_OUT` are left out."""
    found: dict[str, bytes] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                parts = PurePosixPath(name).parts
                if name.endswith("/") or (parts[0].endswith(".data") and parts[1] == "scripts"):
                    continue
                if name.startswith(_LEFT_OUT):
                    continue
                if name in found or ".." in parts or parts[0].endswith(".data"):
                    sys.exit(f"{wheel.name}: {name} cannot be put beside the others")
                found[name] = opened.read(name)
    return found


def _compiled(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The bytecode of all modules, where an import looks for it.

    All dates in an archive are the same, so an import does not compare it with the source (PEP 552,
    unchecked).
    """
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "source.py"), Path(name, "target.pyc")
        for module in sorted(one for one in contents if one.endswith(".py")):
            source.write_bytes(contents[module])
            py_compile.compile(
                str(source),
                cfile=str(target),
                dfile=module,  # an import puts the real path in its place
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
            path = PurePosixPath(module)
            compiled = f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            found[str(path.parent / "__pycache__" / compiled)] = target.read_bytes()
    return found


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".so") else 0o644


def _write(file: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the modes count
            info.external_attr = _mode(name) << 16
            archive.writestr(info, contents[name])
    if file.stat().st_size > LARGEST:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes, more than {LARGEST:,}")


if __name__ == "__main__":
    main()
