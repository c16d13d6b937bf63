"""The variable that allows calls."""

import pytest

from statebag import ConfigurationError
from statebag.aws_sdk.sdk_settings import SdkSettings, sdk_settings


def test_nothing_by_default(monkeypatch):
    monkeypatch.delenv("STATEBAG_SDK_CALLS", raising=False)
    assert sdk_settings().sdk_calls == ()
    monkeypatch.setenv("STATEBAG_SDK_CALLS", " ")
    assert sdk_settings().sdk_calls == ()


def test_a_list_separated_by_commas(monkeypatch):
    monkeypatch.setenv("STATEBAG_SDK_CALLS", "s3:listObjectsV2, cloudformation:get*,")
    assert sdk_settings().sdk_calls == ("s3:listObjectsV2", "cloudformation:get*")


def test_text_in_place_of_a_list():
    with pytest.raises(ConfigurationError, match="sdk_calls"):
        SdkSettings(sdk_calls="s3:*")
