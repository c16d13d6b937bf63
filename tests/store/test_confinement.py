import pytest

from statebag.errors import BlobCorrupt, NotPermitted
from statebag.store.confinement import check_spans, confined_parts, name_below


@pytest.mark.parametrize("name", ["a", "a/b.pack", "a%2F..%2Fb/c", "...", "a..b/.c", "ü/日本"])
def test_relative_names_pass_in_parts(name):
    assert confined_parts(name) == name.split("/")


@pytest.mark.parametrize(
    "name", ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\nb", "\0", "a\x7f"]
)
def test_names_that_could_leave_the_root_are_refused(name):
    with pytest.raises(NotPermitted) as caught:
        confined_parts(name)
    assert caught.value.hint
    assert str(caught.value).isprintable()


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(NotPermitted) as caught:
        confined_parts("a/\ud800")
    assert str(caught.value).isprintable()


def test_a_message_holds_a_bounded_part_of_a_refused_name():
    with pytest.raises(NotPermitted) as caught:
        confined_parts("/" + "a" * 100_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("span", [(-1, 1), (1, -1), (2**63, 0), (2**62, 2**62), (0, 2**200)])
def test_spans_that_no_object_has_are_refused(span):
    with pytest.raises(BlobCorrupt):
        check_spans("a", [(0, 1), span])


def test_other_spans_pass():
    check_spans("a", [(0, 0), (5, 0), (0, 2**62)])


def test_an_absolute_address_gives_the_name_below_the_root():
    assert name_below("s3://b/p", "s3://b/p/a/b.json") == "a/b.json"
    assert name_below("s3://b/p/", "s3://b/p/a") == "a"


@pytest.mark.parametrize(
    "address",
    [
        *("", "s3://b/p", "s3://b/p/", "s3://b/pp/a", "s3://c/p/a", "gs://b/p/a", "/b/p/a"),
        *("s3://b/p/../q", "s3://b/p/a//b", "s3://b/p/./a", "s3://b/p/a\\b", "s3://b/p/a\nb"),
        "s3://b/p/a%2F..%2Fb",
    ],
)
def test_an_address_outside_the_root_is_refused_with_its_place(address):
    with pytest.raises(NotPermitted) as caught:
        name_below("s3://b/p", address, ("a", 0))
    assert caught.value.path == "$.a[0]"
    assert caught.value.hint == "Objects are read below s3://b/p/ only."


@pytest.mark.parametrize("name", ["\u0378", "\U0001fae9", "\U0003fffd"])
def test_whether_a_pointer_is_read_does_not_depend_on_the_unicode_of_this_python(name):
    assert name_below("s3://b/p", f"s3://b/p/{name}.json") == f"{name}.json"
    with pytest.raises(NotPermitted):
        name_below("s3://b/p", f"s3://b/p/{name}\u202e.json")
