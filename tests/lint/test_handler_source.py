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


@pytest.mark.parametrize(
    "source",
    [
        "import json\n",
        "def handler(:\n",
        "from other import *\n",
        "x=" + "-" * 200_000 + "1\n" + PLAIN,
        "x=1" + "+1" * 200_000 + "\n" + PLAIN,
        "x=" + "(" * 300 + "1" + ")" * 300 + "\n" + PLAIN,
        "#" * 4_000_001,
    ],
)
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


@pytest.mark.parametrize("data", [b"a = 'caf\xe9'\n", b"\0", b"\xff\xfe"])
def test_what_is_no_text_of_python_is_not_known(tmp_path, data):
    (tmp_path / "app.py").write_bytes(data + PLAIN.encode())
    assert handler_uses_statebag(tmp_path, "app", "handler") is None
    (tmp_path / "app.py").write_bytes(data + STEP.encode())
    assert handler_uses_statebag(tmp_path, "app", "handler") is True


def test_a_source_in_another_encoding_that_it_names(tmp_path):
    (tmp_path / "app.py").write_bytes(b"# coding: latin-1\n# caf\xe9\n" + PLAIN.encode())
    assert handler_uses_statebag(tmp_path, "app", "handler") is False


def test_python_that_is_newer_than_this_one(tmp_path):
    assert uses(tmp_path, "a new statement\n" + STEP) is True
    assert uses(tmp_path, "from bags import sealed\n@sealed\n" + PLAIN, bags="a new\n" + STEP)


@pytest.mark.parametrize("levels", [50, 3_000])
def test_many_branches(tmp_path, levels):
    branches = "".join(f"elif n == {n}:\n    pass\n" for n in range(levels))
    source = f"n = 1\nif n == 0:\n    pass\n{branches}{PLAIN}"
    assert not uses(tmp_path, source)


USED = "def used(state):\n    return statebag.Statebag().open(state)\n"
ROUTED = "    return app.resolve(event, context)\n"
BY_A_ROUTER = f"@app.on('x')\n{USED}def handler(event, context):\n{ROUTED}"
BY_A_LIST = "def handler(event, context):\n    for one in STEPS:\n        event = one(event)\n"


@pytest.mark.parametrize(
    "source",
    [
        f"app = Router()\n{BY_A_ROUTER}",
        f"app = Router()\n{USED}app.on('x')(used)\ndef handler(event, context):\n{ROUTED}",
        f"app = Router()\n{USED}_ = app.add(used)\ndef handler(event, context):\n{ROUTED}",
        f"app = Router()\nhandler = app.resolve\n@app.on\n@statebag.step\n{USED}",
        f"app = Router()\npart = app.below('a')\n{BY_A_ROUTER.replace('@app', '@part')}",
        f"part = Router()\napp = Router(part)\n{BY_A_ROUTER.replace('@app', '@part')}",
        f"app = Router()\nnext_ = app.resolve\n{BY_A_ROUTER.replace('app.res', 'next_.res')}",
        f"STEPS = []\n{USED}STEPS.append(used)\n{BY_A_LIST}",
        f"STEPS = []\n{USED}for each in (len, used):\n    STEPS.append(each)\n{BY_A_LIST}",
        f"STEPS = []\n{USED}STEPS.append(statebag.step(len))\n{BY_A_LIST}",
        f"STEPS = []\ndef on(f):\n    STEPS.append(f)\n    return f\n@on\n{USED}{BY_A_LIST}",
        f"class STEPS:\n    pass\n{USED}STEPS.append(used)\n{BY_A_LIST}",
        (
            f"app = Router()\nwhile True:\n    app.on('x')(statebag.step)\n"
            f"def handler(event, context):\n{ROUTED}"
        ),
    ],
)
def test_a_handler_that_may_through_what_was_given_a_function(tmp_path, source):
    assert uses(tmp_path, "import statebag\n" + source) is None


@pytest.mark.parametrize(
    "source",
    [
        (
            "HANDLERS = {}\nfor n in 'ab':\n    HANDLERS[n] = statebag.step(print)\n"
            "def handler(event, context):\n    return HANDLERS[event](event)\n"
        ),
        "for handler in [statebag.step]:\n    pass\n",
        "while True:\n    handler = statebag.step(print)\n",
        "import sys\nmatch sys.platform:\n    case 'linux':\n        handler = statebag.step\n",
        "match statebag.step:\n    case handler:\n        pass\n",
        "with statebag.step as handler:\n    pass\n",
        "try:\n    handler = statebag.step\nexcept* ValueError:\n    pass\n",
        "handler, other = statebag.step, 1\n",
    ],
)
def test_a_handler_that_is_made_below_another_statement(tmp_path, source):
    assert uses(tmp_path, "import statebag\n" + source) is True


@pytest.mark.parametrize(
    "source",
    [
        f"app = Router()\n{USED}\n{PLAIN}",
        f"app = Router()\n@app.on('x')\n{USED}@app.on('y')\n{PLAIN}",
        (
            f"app = Router()\n@app.on('x')\ndef x(state):\n    return state\n"
            f"def handler(event, context):\n{ROUTED}"
        ),
        (
            f"log = Logger()\n@log.inject_lambda_context\n{USED}"
            "def handler(event, context):\n    log.info('x')\n"
        ),
        (
            f"import json\n{USED}print(used, json)\n"
            "def handler(event, context):\n    print(json.dumps(event))\n"
        ),
    ],
)
def test_a_handler_beside_one_that_was_given_away(tmp_path, source):
    assert uses(tmp_path, "import statebag\n" + source) is False


def test_a_router_of_another_module(tmp_path):
    core, handler = "app = Router()\n", f"def handler(event, context):\n{ROUTED}"
    routes = f"import statebag\nfrom core import app\n@app.on('x')\n{USED}"
    both = {"core": core, "routes": routes}
    assert uses(tmp_path, f"from core import app\nimport routes\n{handler}", **both) is None
    assert uses(tmp_path, f"import routes\nfrom core import app\n{handler}", **both) is None
    assert uses(tmp_path, f"import routes\nfrom core import app\n{PLAIN}", **both) is False
    core += f"import statebag\n@app.on('x')\n{USED}"
    assert uses(tmp_path, f"from core import app\n{handler}", core=core) is None
    assert uses(tmp_path, f"import core\n{handler.replace('app', 'core.app')}", core=core) is True
