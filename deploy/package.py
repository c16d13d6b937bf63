"""Lambda archives from locked wheels: a layer and a function, the same bytes every time.

    python deploy/package.py --architecture arm64 --python 3.13

The wheels are those whose SHA-256 `requirements/lambda.lock` lists; pip takes no others. What is in
an archive is sorted by name and dated 1980-01-01, with the modes that Lambda asks for. With
`--bytecode` each module is there compiled too: a Lambda's disk cannot be written to, so each start
would compile it. That takes the runtime's own version of Python, and its bytes are that one's.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import py_compile
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

__all__ = ["ARCHITECTURES", "archives", "main"]

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "lambda.lock"
FUNCTIONS = Path(__file__).resolve().parent / "functions"
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names, and those of wheels."""

LARGEST = 15_000_000
"""Bytes of an archive, zipped; Lambda takes 50 MB, and a start gets slower with each."""

# Lambda's Python 3.12 and newer run on Amazon Linux 2023, which has glibc 2.34; its 3.11 on
# Amazon Linux 2, which has 2.26. A wheel may ask for no newer one.
_NEWEST_GLIBC = {"3.11": 26}
_USUAL_GLIBC = 34
_OLDEST_GLIBC = 17
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold


def main() -> None:
    """Read the arguments, make both archives, and say what they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    parser.add_argument("--python", default="3.13", help="the runtime's version")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "lambda")
    parser.add_argument("--bytecode", action="store_true", help="compile the modules as well")
    arguments = parser.parse_args()
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
        SystemExit: A wheel is missing or is not the locked one, an archive is too large, or
            bytecode is asked for and this is another version of Python than the runtime's.
    """
    if bytecode and python != f"{sys.version_info.major}.{sys.version_info.minor}":
        sys.exit(
            f"bytecode for Python {python} is made by Python {python}: run this script with it"
        )
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        _download(wheels, architecture, python)
        _build_own(wheels)
        installed = _contents(wheels)
    suffix = f"{architecture}-python{python}.zip"
    layer = output / f"statebag-layer-{suffix}"
    found = {f"python/{name}": data for name, data in installed.items()}
    _write(layer, found | (_compiled(found) if bytecode else {}))
    function = output / f"statebag-function-{suffix}"
    own = {
        file.relative_to(FUNCTIONS).as_posix(): file.read_bytes()
        for file in sorted(FUNCTIONS.rglob("*.py"))
    }
    found = installed | own
    _write(function, found | (_compiled(found) if bytecode else {}))
    return layer, function


def _download(wheels: Path, architecture: str, python: str) -> None:
    machine = ARCHITECTURES[architecture]
    newest = _NEWEST_GLIBC.get(python, _USUAL_GLIBC)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    tags.append(f"manylinux2014_{machine}")
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    options += [f"--platform={tag}" for tag in tags]
    _pip("download", *options, f"--python-version={python}", f"--dest={wheels}", f"-r{LOCK}")


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
    """What the wheels install, by name; each name once. Commands are left out."""
    found: dict[str, bytes] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                parts = PurePosixPath(name).parts
                if name.endswith("/") or (parts[0].endswith(".data") and parts[1] == "scripts"):
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


def _write(file: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the modes count
            info.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            archive.writestr(info, contents[name])
    if file.stat().st_size > LARGEST:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes, more than {LARGEST:,}")


if __name__ == "__main__":
    main()
