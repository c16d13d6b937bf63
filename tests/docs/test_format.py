"""The tables of docs/format.md against the code, and its refusals against the test vectors."""

import inspect
import json
import re
from pathlib import Path

import pytest

from statebag import errors
from statebag.format import (
    codec,
    encryption_keys,
    head_names,
    head_record,
    index,
    json_check,
    json_text,
    layers,
    names,
    pack,
    signature,
    stub,
    stub_parsing,
)
from statebag.format.derived import DERIVED, _declared
from statebag.format.json_depth import MAX_DEPTH
from statebag.format.json_text import EXACT_INTEGER
from statebag.policy import Policy
from statebag.process import memory_limit
from statebag.sealing.plan import _DEEPEST_PLAIN
from statebag.sealing.sealer import _NO_SCOPE
from statebag.store import block_cipher
from statebag.upkeep import archive
from statebag.upkeep.objects import GC_FOLDER
from tests.golden.make_vectors import FOLDER, MANIFEST
from tests.golden.vector_files import LISTS
from tests.golden.vector_stubs import OBJECT, carried, chunked, stored

PAGE = (Path(__file__).parent.parent.parent / "docs" / "format.md").read_text("utf-8")
LISTED = json.loads((FOLDER / MANIFEST).read_bytes())
BAGS_ALONE = {"bag", "expect", "name", "instead_of"}


def tables(page):
    """By header and, where several have one, in their order."""
    found = {}
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|\n").split(" |")] for line in
                 block.splitlines()]  # fmt: skip
        assert set("".join(lines[1])) <= set("- "), lines[0]
        assert all(len(line) == len(lines[0]) for line in lines), lines[0]
        found.setdefault(tuple(lines[0]), []).append(lines[2:])
    return found


TABLES = tables(PAGE)


def table(*header):
    (only,) = TABLES[header]
    return only


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


def section(title):
    return re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]


def test_limits():
    longest_scope = names._LONGEST_NAME - 64
    assert len(names.encode_scope("/".join(["a" * 191] * 5) + "a")) == longest_scope
    assert {name: int(value.replace(",", "")) for name, value in table("limit", "value")} == {
        "version of a stub": stub.VERSION,
        "version of a stub with layers": stub.LAYERED_VERSION,
        "layers of a stub": layers.MOST_LAYERS,
        "levels of arrays and objects": MAX_DEPTH,
        "characters of an integer": json_check._MAX_DIGITS,
        "largest number in a stub": EXACT_INTEGER,
        "rows in one place": stub.MAX_ENTRIES,
        "level of an index node": stub.MAX_LEVEL,
        "bytes of an index node": pack.LARGEST_NODE,
        "bytes of a name": names._LONGEST_NAME,
        "bytes of an encoded part of a scope": names._LONGEST_PART,
        "bytes of an encoded scope": longest_scope,
        "window of a frame, as a power of 2": codec._WINDOW_LOG_MAX,
        "least bytes of a delta's base": codec._LEAST_BASE,
        "most bytes of a delta's base or text": codec.LARGEST_PATCHED,
        "bytes of an object in an encrypted block": block_cipher.BLOCK,
        "bytes of an encrypted block": block_cipher.WHOLE_BYTES,
        "bytes of an encryption key": encryption_keys.KEY_BYTES,
        "least bytes of a signing key": signature._LEAST_KEY,
        "characters of a signing key's name": signature._LONGEST_NAME,
        "bytes of an archive's header": archive._LARGEST_HEADER,
        "bytes of the text of a head's object": head_record._LARGEST,
        "bytes of an encoded label": head_names._LONGEST_LABEL,
    }
    for value in (pack.LARGEST_NODE, archive._LARGEST_HEADER, codec.LARGEST_PATCHED):
        assert f"{value:,}" in PAGE
    assert f"{2**codec._WINDOW_LOG_MAX:,}" in section("Frames")


def test_the_bound_of_a_frame():
    assert "`size` + `size` / 128 (rounded down) + 512" in " ".join(section("Stubs").split())
    for size in (0, 127, 128, 10_000, 2**30):
        assert stub_parsing.longest_frame(size) == size + size // 128 + 512


def test_magics_and_other_constants():
    hexed = {bytes.fromhex(one) for one in re.findall(r"`((?:[0-9a-f]{2} ){7}[0-9a-f]{2})`", PAGE)}
    assert hexed == {pack.MAGIC, archive.MAGIC, block_cipher.MAGIC, block_cipher.OLDER_MAGIC}
    versions = {int(row[0]): bytes.fromhex(code_words(row[1])[0]) for row in
                table("version", "magic", "cipher")}  # fmt: skip
    assert versions == block_cipher.MAGICS
    assert f"`{index._MAGIC.decode().rstrip()}`" in section("Index nodes")
    assert index._MAGIC.endswith(b"\n")
    assert f"`{index._KIND.decode()}`" in section("Index nodes")
    assert f"`{layers._MAGIC.decode().rstrip()}`" in section("Frames")
    assert layers._MAGIC.endswith(b"\n")
    assert f"`{layers._KIND.decode()}`" in section("Frames")
    assert f"at most {len(layers._MAGIC)} bytes longer" in section("Stubs")
    assert layers.longest_layer(stub_parsing.longest_frame(1000)) == 1000 + 1000 // 128 + 529
    assert f"`since` is `{stub._LAYERED_SINCE}`" in " ".join(section("Signatures").split())
    signed = " ".join(row[1] for row in table("`sig`", "bytes that are signed", "written for"))
    for prefix in (signature._PREFIX, signature._SCOPED_PREFIX):
        assert f"`{prefix.decode()}`".replace("\n", "\\n") in signed
    assert set(pack._KINDS) <= set(code_words(section("Packs")))
    assert f"`{_NO_SCOPE}`" in section("Names")
    assert f"scope `{archive.SCOPE}`" in section("Archives")
    assert f"`{GC_FOLDER}/`" in section("Other objects")
    stubs = section("Stubs")
    assert f"**`{DERIVED}`**: " in stubs
    for one in _declared.values():
        only = f"The name `{one.name}` counts only in the object's own stub and in that of its"
        assert f"{only} member `{one.source}`" in " ".join(stubs.split())
    assert f"`{stub.KEY}`" in stubs
    assert f"{_DEEPEST_PLAIN} levels" in section("What a writer must do")


def test_characters_that_are_not_shown():
    listed = " ".join(row[0] for row in table("code points (hex)", "what"))
    ranges = re.findall(r"`([0-9A-F]+)-([0-9A-F]+)`", listed)
    assert sorted((int(first, 16), int(last, 16)) for first, last in ranges) == [*names._HIDDEN]


def test_heads():
    text = " ".join(section("Heads").split())
    assert f"8 bytes `{head_record._MAGIC.decode().encode('unicode_escape').decode()}`" in text
    assert f"`<encoded scope>/{head_names.SCOPE_OF_PACKS}/`" in text
    kinds = [head_names.parse_head_object(name) for name in (
        head_names.head_name("a", "b"), head_names.version_name("a", "b", "0" * 16, 1, ""),
        head_names.attached_folder("a", "b", "c") + "/d",
    )]  # fmt: skip
    assert [one.kind for one in kinds] == ["head", "version", "attached"]
    assert len(table("object", "what")) == len(kinds)


def test_default_limits():
    counted = {
        code_words(row[0])[0]: row[1] for row in table("limit", "default", "what is counted")
    }
    policy = Policy()
    for name in ("max_open_blobs", "max_open_requests"):
        assert int(counted.pop(name).replace(",", "")) == getattr(policy, name)
    bounds = f"{memory_limit._LEAST >> 20} MiB to {memory_limit._MOST >> 30} GiB"
    assert counted == {"max_open_bytes": f"an eighth of the process's memory, from {bounds}"}


def sizes(title):
    """The fixed sizes in a section's table of bytes."""
    (rows,) = tables(section(title))["bytes", "content"]
    return [int(row[0]) for row in rows if row[0] != "any"]


def test_layouts():
    assert sizes("Packs") == [len(pack.MAGIC), 4, len(pack.MAGIC)]
    assert sizes("Archives") == [len(archive.MAGIC), 8, archive._DIGEST]
    block = sizes("Encrypted objects")
    assert block == [
        block_cipher.ID_BYTES,
        1,
        2,
        block_cipher.NONCE_BYTES,
        block_cipher.BLOCK,
        block_cipher.TAG_BYTES,
    ]
    assert sum(block) == block_cipher.WHOLE_BYTES


def forms():
    """Of each form the least and the most that a writer puts there."""
    at = f"a/{'0' * 32}.pack"
    blob = stub.Blob("0" * 64, 64, at, 8, 9)
    entry = stub.Entry(blob, 1, 64)
    inline = carried(OBJECT)
    reads = (stub.Extent(at, 8, 9),)
    return {
        "stored": (stub.Stored(blob), stored(blob, OBJECT)),
        "inline": (carried("text"), inline),
        "chunked": (chunked((entry,)), chunked((entry,), inline, reads, "object")),
        "delta": (
            stub.Patched(stub.Stored(blob), "0" * 64, 1, b""),
            stub.Patched(stored(blob, OBJECT), "0" * 64, 1, b"", "object", 1),
        ),
        "layered": (
            stub.Layered(stub.Stored(blob), "0" * 64, 1, b"", layers=(stub.Layer(1, blob),)),
            stub.Layered(
                stored(blob, OBJECT), "0" * 64, 1, b"x", "object", 1, (stub.Layer(1, blob),)
            ),
        ),
        "escaped": (stub.Escaped({}), stub.Escaped({})),
    }


def test_forms_and_their_fields():
    listed = {form: (set(code_words(fields)), set(code_words(optional)))
              for form, fields, optional in table("form", "fields", "optional")}  # fmt: skip
    rest = listed.pop("rest")
    found = forms()
    assert listed.keys() == found.keys()
    fields = set()
    for form, (least, most) in found.items():
        required, optional = listed[form]
        assert set(least.to_wire()) == required
        assert set(most.to_wire()) == required | optional
        fields |= required | optional
        if form != "escaped":
            whole = stub.Rest(least, (), {}).to_wire()
            assert set(whole) - set(least.to_wire()) == rest[0]
            fields |= rest[0]
    described = {code_words(row[0])[0] for row in table("field", "type", "meaning")}
    assert described == fields | {signature._FIELD, DERIVED, stub.PREVIEW, "since"}
    assert {tuple(code_words(row[1])) for row in table("word", "field or word on the wire")} == {
        ("data",), ("pieces",), ("patch",), ("deltas",), ("reads",),
    }  # fmt: skip


def test_a_body_has_only_described_fields():
    """A form that is added to the code has to be added to the page."""
    classes = {
        one
        for _, one in inspect.getmembers(stub, inspect.isclass)
        if "to_wire" in vars(one) and one.__module__ == stub.__name__
    }
    shown = {type(least) for least, _ in forms().values()} | {stub.Rest}
    assert classes == shown


def test_rows():
    blob = stub.Blob("0" * 64, 3, "a", 8, 9)
    rows = stub.entries_to_wire((stub.Entry(blob, 1, 3), stub.Entry(blob, 1, 3, 1)))["pieces"]
    listed = [code_words(row[1])[0].strip("[]").split(", ") for row in table("row", "fields")]
    assert [len(row) for row in rows] == [len(row) for row in listed]
    assert listed[1][:6] == listed[0] == ["count", "size", "sha256", "pack", "offset", "length"]
    assert rows[1] == [1, 3, "0" * 64, 0, 8, 9, 1, 3]


def test_the_order_of_signed_fields():
    text = section("Signatures")
    (order,) = re.findall(r"^- inside `base`(.*?)\n-", text, re.DOTALL | re.MULTILINE)
    base, tail = order.split("inside `tail`")
    found = forms()
    shown = [code_words(part) for one in (base, tail) for part in one.split(" or ")]

    def written(form, *without):
        return [name for name in found[form][1].to_wire() if name not in without]

    assert shown == [
        written("stored", "v"),
        written("chunked", "v"),
        written("stored", "v", "kind"),
        written("inline", "v", "kind"),
    ]


def test_canonical_text():
    for name in ("0.00001", "1.0", "1000000000000000.0", "1e16", "1.5e300", "5e-324", "-0.0"):
        assert f"`{name}`" in section("JSON text")
        assert json_text.encode(float(name)) == name.encode()
    assert json_text.encode("\b\t\n\f\r") == b'"\\b\\t\\n\\f\\r"'
    assert "`\\b \\t \\n \\f \\r`" in section("JSON text")


def test_error_codes():
    by_code = {one.code: one.__name__ for one in errors.StatebagError.__subclasses__()}
    listed = {code_words(row[0])[0]: row[1] for row in table("code", "class", "who can act")}
    assert listed == {code: by_code[code] for code in listed}
    assert set(refusals().values()) == set(listed)


def refusals():
    rows = [row for one in TABLES["refuses", "what", "code"] for row in one]
    found = {name: code_words(code)[0] for name, _, code in rows}
    assert len(found) == len(rows)
    return found


def expectations():
    for entries in LISTED.values():
        for entry in entries:
            if "error" in entry.get("expect", {}):
                yield entry["expect"]["refuses"], entry["expect"]["error"]


def test_every_refusal_has_a_vector_and_every_vector_a_refusal():
    listed = refusals()
    seen = dict(expectations())
    assert seen == listed
    for name, code in expectations():
        assert listed[name] == code


@pytest.mark.parametrize("name", LISTS)
def test_the_manifest_has_the_described_fields(name):
    described = {code_words(row[0])[0]: row for row in table("list", "each entry",
                 "a program must")}  # fmt: skip
    assert tuple(described) == LISTS
    settings = {code_words(row[0])[0] for row in table("setting", "meaning")}
    fields = set(code_words(described[name][1]))
    allowed = fields | (settings | {"instead_of"} if name == "bags" else set())
    for entry in LISTED[name]:
        assert fields - {"limits"} <= set(entry) <= allowed, entry["name"]
        for limit in entry.get("limits", {}):
            assert limit in Policy.field_names()
            assert f"`{limit}`" in PAGE
    if name == "bags":
        assert settings == {field for entry in LISTED[name] for field in entry} - BAGS_ALONE
