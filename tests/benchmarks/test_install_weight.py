"""The table of docs/deploy.md is one that the command prints."""

import re
from pathlib import Path

from benchmarks.install_weight import EXTRAS, main, required, rows

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")


def shown(text):
    found = re.findall(r"^\| `(statebag\S*)` \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    return {name: (int(count), int(size)) for name, count, size in found}


def test_the_page_has_what_is_printed(capsys):
    main()
    printed, written = shown(capsys.readouterr().out), shown(PAGE)
    assert list(printed) == list(written)
    assert len(written) == len(EXTRAS)
    for name, (count, size) in written.items():
        # Versions and platforms differ a little.
        assert abs(printed[name][0] - count) <= 4, name
        assert printed[name][1] / 1.5 <= size <= printed[name][1] * 1.5, name


def test_the_core_is_light_and_lint_needs_no_engine():
    assert {"msgspec", "obstore"} <= set(required(""))
    heavy = {"moto", "boto3", "botocore", "click", "rich"}
    assert not heavy & set(required(""))
    assert not {"moto", "boto3", "botocore"} & set(required("cli,lint"))
    assert {"moto", "boto3"} <= set(required("cli,local"))
    assert all(size > 1 for _, _, size in rows())
