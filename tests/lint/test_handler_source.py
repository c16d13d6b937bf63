"""Whether a handler uses statebag, by its source."""

import pytest

from statebag.lint.handler_source import handler_uses_statebag

PLAIN = "def handler(event, context):\n    return event\n"
WORK = "def work(state):\n    return statebag\n"
TRIED = "try:\n    import statebag\nexcept ImportError:\n    statebag = None\n"
STEP = "import statebag\n\n@statebag.step\ndef handler(state, context):\n    return state\n"


def uses(folder, app, **others):
    for name, text in {"app": app, **others}.items():
        file = folder / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return handler_uses_statebag(folder, "app", "handler")


@pytest.mark.parametrize(
    "source",
    [
        STEP,
        "from statebag import step as sealed\n@sealed(bag_path='$.state')\n" + PLAIN,
        "from statebag import Statebag\nsb = Statebag()\n@sb.step\n" + PLAIN,
        "import statebag as s\ndef handler(event, context):\n    return s.Statebag().open(event)\n",
        "def handler(event, context):\n    from statebag import Statebag\n    return Statebag()\n",
        f"import statebag\n{WORK}def handler(event, context):\n    return work(event)\n",
        f"import statebag\n{WORK.replace('statebag', 'state')}handler = statebag.step(work)\n",
        "import statebag\nclass App:\n    sb = statebag.Statebag()\nhandler = App().run\n",
        TRIED + "@statebag.step\n" + PLAIN,
    ],
)
def test_a_handler_that_does(tmp_path, source):
    assert uses(tmp_path, source) is True


@pytest.mark.parametrize(
    "source",
    [
        PLAIN,
        "# statebag\n" + PLAIN,
        "import statebag\n" + PLAIN,
        STEP.replace("handler", "other") + PLAIN,
        "NOTE = 'statebag'\n" + PLAIN,
    ],
)
def test_a_handler_in_a_file_that_only_names_it(tmp_path, source):
    assert uses(tmp_path, source) is False


@pytest.mark.parametrize("source", ["import json\n", "def handler(:\n", "from other import *\n"])
def test_a_handler_that_is_not_there(tmp_path, source):
    assert uses(tmp_path, source) is None
    assert handler_uses_statebag(tmp_path, "none", "handler") is None


@pytest.mark.parametrize(
    "source",
    [
        "from bags import sealed\n@sealed\n" + PLAIN,
        "import bags\n@bags.sealed\n" + PLAIN,
        "from bags import *\n@sealed\n" + PLAIN,
        "import bags as b\nhandler = b.sealed\n",
        "from bags import sealed as handler\n",
        "from parts import inner\n@inner.sealed\n" + PLAIN,
        "from parts.inner import sealed\n@sealed\n" + PLAIN,
    ],
)
def test_through_a_module_of_its_own(tmp_path, source):
    bags = "import statebag\nsealed = statebag.step\ndef plain(event):\n    return event\n"
    inner = "from .more import sealed\n"
    more = {"parts__inner": inner, "parts__more": bags, "bags": bags, "parts____init__": ""}
    assert uses(tmp_path, source, **more) is True
    plain = source.replace("sealed", "plain").replace("import plain as handler", "import plain")
    if "handler = " not in source and "import *" not in source and "as handler" not in source:
        whole = "import bags" in source or "import inner" in source
        assert uses(tmp_path, plain, **more) is whole


def test_modules_that_import_each_other(tmp_path):
    source = "import one\ndef handler(event, context):\n    return one\n"
    assert uses(tmp_path, source, one="import app\n") is False
