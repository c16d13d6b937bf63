"""Which scopes may be read; what an open gives is in tests/test_client.py and test_forged.py."""

import pytest

from statebag import NotPermitted
from statebag.format.stub import Blob
from statebag.opening.opener import Confinement


def allowed(reader, owner, readable=()):
    blob = Blob("0" * 64, 9, f"{owner}/{'0' * 32}.pack", 8, 9)
    try:
        Confinement(reader, readable).check(blob, ("a", 0))
    except NotPermitted as error:
        assert (error.path, error.object_name) == ("$.a[0]", blob.at)  # noqa: PT017
        return False
    return True


@pytest.mark.parametrize(
    ("reader", "owner", "expected"),
    [
        ("m/run", "m/run", True),
        ("m/run/child", "m/run", True),
        ("m/run/child", "m", True),
        ("m/run", "m/run/child", False),
        ("m/run", "m/run2", False),
        ("m/run2", "m/run", False),
        ("m/run", "m/ru", False),
        ("m/run", "other", False),
        (None, "anything/at all", True),
    ],
)
def test_a_reader_sees_its_scope_and_what_is_above(reader, owner, expected):
    assert allowed(reader, owner) is expected


@pytest.mark.parametrize(
    ("readable", "owner", "expected"),
    [
        ("shared", "shared", True),
        ("shared", "shared/deep", False),
        ("shared/**", "shared", True),
        ("shared/**", "shared/deep/er", True),
        ("shared/**", "shared2", False),
        ("a b/**", "a%20b/c", True),
        ("a b", "a%20b", True),
    ],
)
def test_further_scopes(readable, owner, expected):
    assert allowed("m/run", owner, (readable,)) is expected
