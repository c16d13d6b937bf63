"""`statebag doctor`, on a folder and on a bucket."""

import json

import pytest

from tests.cli.program import statebag


def test_doctor_says_what_it_saw_and_leaves_nothing(store, tmp_path):
    before = sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())
    result = statebag("doctor", "--store", "./store")
    assert (result.exit_code, result.stderr) == (0, "")
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    findings = json.loads(statebag("doctor", "--store", "./store", "--json").stdout)
    assert {one["what"] for one in findings} >= {"write", "clock", "delete"}
    assert sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file()) == before
    assert statebag("doctor", "--store", "./nowhere").exit_code == 20


@pytest.mark.s3
def test_doctor_of_a_bucket_whose_settings_are_not_all_known(s3_store_url, folder):
    result = statebag("doctor", "--store", s3_store_url)
    assert result.exit_code == 0
    assert "versions" in result.stdout
