"""Which servers are reached without a proxy."""

import pytest

from statebag.store.excluded_hosts import is_excluded

OWN = "https://s3.example.internal:9000/x"


@pytest.mark.parametrize(
    ("entries", "url", "found"),
    [
        ("", OWN, False),
        ("*", OWN, True),
        ("*", None, True),
        ("localhost, .example.internal", OWN, True),
        ("EXAMPLE.internal", OWN, True),
        ("s3.example.internal", OWN, True),
        ("xs3.example.internal,internal.org", OWN, False),
        ("10.0.0.0/8", "http://10.1.2.3:9000", True),
        ("10.0.0.0/8", "http://11.1.2.3:9000", False),
        ("::1", "http://[::1]:9000", True),
        ("10.0.0.0/8", OWN, False),
        ("localhost,127.0.0.1,.svc.cluster.local", None, False),
        ("amazonaws.com", None, True),
    ],
)
def test_a_server(entries, url, found):
    assert is_excluded(entries, url) is found


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        ("my-bucket.s3.example.internal", OWN),
        ("s3.eu-west-1.amazonaws.com", None),
        ("amazonaws.com.cn", None),
    ],
)
def test_only_some_of_its_hosts(entries, url):
    assert is_excluded(entries, url) is None
