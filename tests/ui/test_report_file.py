"""A report: one file, without values unless asked for."""

import base64
import hashlib
import json
import re

import pytest

from statebag.errors import ConfigurationError
from statebag.ui.report_file import report_of
from tests.ui.conftest import HEAD, SECRET


def recorded(page, name="recorded"):
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    return json.loads(found[1])


def test_it_has_everything_and_no_value(data, ran):
    for arn in (ran.good, ran.bad):
        page = report_of(data, arn)
        assert SECRET not in page
        assert "needle" not in page
        held = recorded(page)
        assert held["has_values"] is False
        assert {json.loads(key)[0] for key in held["answers"]} == {
            "execution",
            "graph",
            "timeline",
            "cost",
            "state",
            "differences",
            "trail",
        }
        assert recorded(page, "recorded-steps")["count"]
        assert recorded(page, "recorded-events")["count"]
        assert not any("refused" in answer for answer in held["answers"].values())


def test_values_if_asked_for(data, ran):
    page = report_of(data, ran.bad, values=True)
    assert SECRET in page
    assert "onerror" in page
    assert "<img src=x" not in page, "it could not stand in a page as it is"


def test_it_allows_its_own_script_and_style_alone(data, ran):
    page = report_of(data, ran.good)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; ")
    for element in ('script type="module"', "style"):
        text = re.search(f"<{element}>(.*?)</{element.split()[0]}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"<(link|img|iframe|script src)", page)


def test_a_store_that_is_gone_is_no_reason_for_none(catalog, ran, tmp_path):
    from statebag import Statebag
    from statebag.ui.page_answers import PageData

    elsewhere = Statebag(tmp_path / "other", replicas=(), signing_keys={})
    page = report_of(PageData(catalog, elsewhere), ran.good, values=True)
    assert recorded(page, "recorded-steps")["count"]


def test_of_a_head(data):
    page = report_of(data, HEAD)
    assert recorded(page)["kind"] == "h"
    assert recorded(page, "recorded-versions")["count"] == 3
    assert SECRET not in page


def test_an_execution_that_is_not_there(data, ran):
    with pytest.raises(ConfigurationError, match="has no history"):
        report_of(data, ran.good + "x")
