"""Writes the test vectors of docs/format.md, which programs in any language can walk.

`python -m tests.golden.make_vectors` from the repository's root adds the vectors that the manifest
does not have yet, with their files. A vector that is there stays as it is. If a new one has a file
that is there with other bytes, the program stops before it writes anything. What is made depends on
nothing but these modules and zstd's version.
"""

import json
import sys
from pathlib import Path

from tests.golden.vector_alone import add_alone
from tests.golden.vector_bags import add_bags
from tests.golden.vector_corners import add_corners
from tests.golden.vector_derived import add_derived
from tests.golden.vector_encrypted import add_encrypted
from tests.golden.vector_files import Vectors
from tests.golden.vector_heads import add_heads
from tests.golden.vector_layered import add_layered
from tests.golden.vector_objects import add_objects
from tests.golden.vector_previews import add_previews
from tests.golden.vector_refused import add_refused
from tests.golden.vector_signed import add_signed
from tests.golden.vector_stubs import Plain

FOLDER = Path(__file__).resolve().parent / "vectors"
MANIFEST = "manifest.json"


def made():
    """All vectors, in memory."""
    vectors = Vectors()
    plain = Plain()
    add_bags(vectors, plain)
    add_signed(vectors, plain)
    add_refused(vectors, plain)
    add_objects(vectors, plain)
    add_encrypted(vectors)
    add_alone(vectors)
    add_derived(vectors, plain)
    add_previews(vectors, plain)
    add_corners(vectors, plain)
    add_heads(vectors)
    add_layered(vectors, plain)
    return vectors


def add_missing(vectors, folder):
    """Write what a folder's manifest does not have; the names of what was added.

    Raises:
        SystemExit: A new vector has a file that is there with other bytes.
    """
    manifest = folder / MANIFEST
    known = json.loads(manifest.read_bytes()) if manifest.exists() else {}
    merged, files, added = {}, {}, []
    for name, entries in vectors.lists.items():
        merged[name] = known.get(name, [])
        there = {entry["name"] for entry in merged[name]}
        for entry in entries:
            if entry["name"] in there:
                continue
            merged[name] = [*merged[name], entry]
            added.append(f"{name}/{entry['name']}")
            files |= vectors.files_of(name, entry["name"])
    for path, data in files.items():
        if (folder / path).exists() and (folder / path).read_bytes() != data:
            raise SystemExit(f"{path} is there with other bytes")
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    if added:
        lines = [
            f'"{name}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
            for name, entries in merged.items()
        ]
        manifest.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    return added


if __name__ == "__main__":
    for name in add_missing(made(), FOLDER):
        sys.stdout.write(f"{name}\n")
