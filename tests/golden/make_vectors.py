"""Writes the test vectors of docs/format.md, which programs in any language can walk.

`python -m tests.golden.make_vectors` from the repository's root adds the vectors that the manifest
does not have yet, with their files. It changes no file: where one is there with other bytes, it
stops before it writes anything. What is made depends on nothing but this module and zstd's version.
"""

import json
import sys
from pathlib import Path

from tests.golden.vector_bags import add_bags
from tests.golden.vector_files import Vectors
from tests.golden.vector_objects import add_objects

FOLDER = Path(__file__).resolve().parent / "vectors"
MANIFEST = "manifest.json"


def made():
    """All vectors, in memory."""
    vectors = Vectors()
    add_bags(vectors)
    add_objects(vectors)
    return vectors


def add_missing(vectors, folder):
    """Write what a folder's manifest does not have; the names of what was added.

    Raises:
        SystemExit: A vector or a file is there, and is another one.
    """
    manifest = folder / MANIFEST
    known = json.loads(manifest.read_bytes()) if manifest.exists() else {}
    merged, files, added = {}, {}, []
    for name, entries in vectors.lists.items():
        there = {entry["name"]: entry for entry in known.get(name, [])}
        merged[name] = known.get(name, [])
        for entry in entries:
            if entry["name"] in there:
                if there[entry["name"]] != entry:
                    raise SystemExit(f"{name}/{entry['name']} is there and is another vector")
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
