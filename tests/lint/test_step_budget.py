"""The budget that a handler's decorator names, read from its source."""

import pytest

from statebag.lint.step_budget import step_budget


def budget(tmp_path, text, name="handler"):
    file = tmp_path / "app.py"
    file.write_text(text)
    return step_budget(file, name)


def decorated(decorator, before=""):
    return f"{before}\n@{decorator}\ndef handler(state, context):\n    return state\n"


@pytest.mark.parametrize(
    ("decorator", "bytes_"),
    [
        ("statebag.step(budget=262_144 // 4)", 65_536),
        ("statebag.step(budget=(262_144 - 98_304) // 4)", 40_960),
        ("step(bag_path='$.state', budget=6_000 + 2 * 50)", 6_100),
        ("statebag.step", None),
        ("statebag.step()", None),
        ("statebag.step(budget=None)", None),
        ("statebag.step(budget=share(4))", None),
        ("statebag.step(budget=1 // 0 if x else 5)", None),
        ("statebag.step(budget=1 - 1)", None),
        ("statebag.step(budget=5 // (1 - 1))", None),
        ("statebag.step(budget=True)", None),
        ("statebag.step(budget=9 ** 9 ** 9)", None),
        ("other(budget=4_000)", None),
    ],
)
def test_it_is_computed_from_whole_numbers(tmp_path, decorator, bytes_):
    assert budget(tmp_path, decorated(decorator)) == bytes_


def test_constants_of_the_module(tmp_path):
    before = "LIMIT = 262_144\nSHARE: int = LIMIT // 8\n"
    assert budget(tmp_path, decorated("step(budget=SHARE)", before)) == 32_768


@pytest.mark.parametrize(
    "before",
    [
        "SHARE = 4_000\nSHARE = 5_000",
        "for SHARE in (1, 2):\n    pass",
        "from settings import SHARE",
        "SHARE = SHARE",
        "A = B\nB = SHARE\nSHARE = A",
        "if x:\n    SHARE = 4_000\nelse:\n    SHARE = 5_000",
    ],
)
def test_a_name_that_may_be_another_number_is_not_known(tmp_path, before):
    assert budget(tmp_path, decorated("step(budget=SHARE)", before)) is None


@pytest.mark.parametrize("text", ["def handler(:", "x = 1", "\0", "x = " + "-" * 5_000 + "1"])
def test_a_module_without_the_handler_or_that_is_not_parsed(tmp_path, text):
    assert budget(tmp_path, text) is None


def test_a_module_that_is_not_there(tmp_path):
    assert step_budget(tmp_path / "none.py", "handler") is None


def test_of_the_handler_and_no_other_function(tmp_path):
    text = decorated("step(budget=4_000)").replace("handler", "other") + decorated("step")
    assert budget(tmp_path, text) is None
    assert budget(tmp_path, text, "other") == 4_000
