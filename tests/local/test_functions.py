"""Import of handlers: each function has its folder's modules to itself."""

import os
import sys

import pytest

import statebag.errors
from statebag.asl.template import FunctionSource
from statebag.errors import ConfigurationError
from statebag.local.functions import Function


def make(folder, files, handler="app.handler", *, folders=(), installed=False, **variables):
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Function(
        FunctionSource(
            name="Fn",
            origin="template.yaml, function Fn",
            handler=handler,
            folders=(folder, *folders),
            environment=variables,
            installed=installed,
        )
    )


def refused(function):
    with pytest.raises(ConfigurationError) as caught:
        function.load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_folders_with_the_same_module_names(tmp_path):
    app = "import helper\ndef handler(event, context): return helper.NAME\n"
    functions = [
        make(tmp_path / name, {"app.py": app, "helper.py": f"NAME = {name!r}\n"}) for name in "ab"
    ]
    assert [function({}, None) for function in functions] == ["a", "b"]
    assert "app" not in sys.modules
    assert "helper" not in sys.modules


def test_two_functions_of_one_folder_have_modules_of_their_own_as_two_lambdas_do(tmp_path):
    app = (
        "import os, shared\nTABLE = os.environ['TABLE']\n"
        "def handler(event, context):\n"
        "    shared.calls += 1\n"
        "    return TABLE, os.environ['TABLE'], shared.calls\n"
    )
    files = {"app.py": app, "shared.py": "calls = 0\n"}
    one = make(tmp_path, files, TABLE="one")
    two = make(tmp_path, files, TABLE="two")
    assert one({}, None) == ("one", "one", 1)
    assert two({}, None) == ("two", "two", 1)
    assert one({}, None) == ("one", "one", 2)
    assert "TABLE" not in os.environ


IMPORTS = {
    "statement": "import tools.search\nfound = tools.search.NAME",
    "alias": "import tools.search as s\nfound = s.NAME",
    "from": "from tools.search import NAME as found",
    "submodule": "from tools import search\nfound = search.NAME",
    "relative": "from tools.relative import NAME as found",
    "importlib": "import importlib\nfound = importlib.import_module('tools.search').NAME",
    "import_module": (
        "from importlib import import_module, util\n"
        "found = import_module('.search', import_module('tools').__name__).NAME"
    ),
    "namespace": "from loose.part import NAME as found",
    "star": "from tools.search import *\nfound = NAME",
    "late": "def found():\n    from tools.search import NAME\n    return NAME",
}


@pytest.mark.parametrize("form", IMPORTS)
def test_every_form_of_import_finds_the_folders_own_modules(tmp_path, form):
    tail = "\ndef handler(event, context): return found() if callable(found) else found\n"
    function = make(
        tmp_path,
        {
            "app.py": IMPORTS[form] + tail,
            "tools/__init__.py": "",
            "tools/search.py": "NAME = 'own'\n",
            "tools/relative.py": "from .search import NAME\nfrom . import search\n",
            "loose/part.py": "NAME = 'own'\n",
        },
    )
    assert function({}, None) == "own"


def test_installed_packages_and_this_library_are_shared(tmp_path):
    app = (
        "import json, click, importlib.util, statebag.errors\n"
        "def handler(event, context): return json, click, importlib.util, statebag.errors\n"
    )
    function = make(
        tmp_path,
        # A folder of that name without code, and a copy of this library, are not taken.
        {"app.py": app, "click/data.txt": "", "statebag/__init__.py": "raise SystemExit"},
    )
    import importlib
    import json

    import click

    assert function({}, None) == (json, click, importlib.util, statebag.errors)


def test_a_copy_that_pip_put_beside_the_code_gives_way_to_the_installed_one(tmp_path):
    app = "import click, onlyhere\ndef handler(event, context): return click, onlyhere.X\n"
    function = make(
        tmp_path,
        {
            "app.py": app,
            "click/__init__.py": "",
            "click-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: click\nVersion: 1\n",
            "click-1.dist-info/RECORD": "click/__init__.py,,\n",
            "onlyhere.py": "X = 1\n",
            "onlyhere-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: onlyhere\nVersion: 1\n",
            "onlyhere-1.dist-info/RECORD": "onlyhere.py,,\n",
        },
    )
    import click

    assert function({}, None) == (click, 1)


def test_classes_are_found_again_by_their_modules_name(tmp_path):
    app = (
        "import dataclasses, typing, pickle\n"
        "from __main_part import Base\n"
        "@dataclasses.dataclass\nclass Point(Base):\n    x: 'int'\n"
        "def handler(event, context):\n"
        "    hints = typing.get_type_hints(Point)\n"
        "    return hints['x'] is int, pickle.loads(pickle.dumps(Point(3))) == Point(3)\n"
    )
    files = {
        "app.py": "from __future__ import annotations\n" + app,
        "__main_part.py": "class Base: pass\n",
    }
    assert make(tmp_path, files)({}, None) == (True, True)


def test_a_layers_modules_are_found_after_the_functions_own(tmp_path):
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "common.py").write_text("NAME = 'layer'\n")
    (layer / "app.py").write_text("raise ZeroDivisionError\n")
    app = "import common\ndef handler(event, context): return common.NAME\n"
    assert make(tmp_path / "code", {"app.py": app}, folders=[layer])({}, None) == "layer"


@pytest.mark.parametrize("handler", ["src.steps.judge.run", "src/steps/judge.run"])
def test_handlers_in_packages(tmp_path, handler):
    files = {
        "src/__init__.py": "",
        "src/steps/__init__.py": "",
        "src/steps/judge.py": "from src.steps import words\ndef run(e, c): return words.W\n",
        "src/steps/words.py": "W = 'w'\n",
    }
    assert make(tmp_path, files, handler)({}, None) == "w"


def test_a_handler_in_an_installed_module(tmp_path):
    function = make(tmp_path, {}, "operator.add", installed=True)
    assert function(1, 2) == 3


def test_what_the_handler_raises_passes_through(tmp_path):
    app = "class Rejected(Exception): pass\ndef handler(event, context): raise Rejected('no')\n"
    with pytest.raises(Exception, match="no") as caught:
        make(tmp_path, {"app.py": app})({}, None)
    assert type(caught.value).__name__ == "Rejected"


@pytest.mark.parametrize(
    ("handler", "files", "says"),
    [
        ("app.handler", {}, "needs the file {folder}/app.py, which is not there"),
        ("src.app.handler", {"src/__init__.py": ""}, "needs the file {folder}/src/app.py"),
        ("handler", {}, "the handler handler is not module.function"),
        ("..handler", {}, "is not module.function"),
        ("app.other", {"app.py": ""}, "{folder}/app.py has no function other"),
        ("app.X", {"app.py": "X = 3"}, "has something that is not a function as X"),
        ("app.handler", {"app.py": "def handler(:"}, "{folder}/app.py, line 1: "),
        (
            "app.handler",
            {"app.py": "import helper", "helper.py": "\nimport no_such_package.sub"},
            (
                "{folder}/helper.py, line 2 imports no_such_package, which is not installed. "
                "Install it: pip install no_such_package"
            ),
        ),
        (
            "app.handler",
            {"app.py": "import no_such_package", "requirements.txt": "no-such-package\n"},
            "Install it: pip install -r {folder}/requirements.txt",
        ),
        (
            "app.handler",
            {"app.py": "import os\nos.environ['NO_SUCH_VARIABLE']"},
            "{folder}/app.py, line 2 failed while it was imported: KeyError: 'NO_SUCH_VARIABLE'",
        ),
        (
            "app.handler",
            {"app.py": "from helper import absent", "helper.py": ""},
            "cannot import name 'absent' from 'helper'",
        ),
        ("app.handler", {"app.py": "raise SystemExit(3)"}, "SystemExit: 3"),
        # In Lambda the code's folder is no package.
        ("app.handler", {"app.py": "from . import helper", "helper.py": ""}, "ImportError"),
        (
            "app.handler",
            {"app.py": "import p", "p/__init__.py": "from .. import helper", "helper.py": ""},
            "ImportError",
        ),
    ],
)
def test_a_failed_import_is_one_line_that_says_which_function_file_and_why(
    tmp_path, handler, files, says
):
    message = refused(make(tmp_path, files, handler))
    assert message.startswith("template.yaml, function Fn: ")
    assert says.format(folder=tmp_path) in message
    assert "statebag_function_" not in message


def test_a_module_that_is_nowhere(tmp_path):
    message = refused(make(tmp_path, {}, "no_such_module.handler", installed=True))
    assert f"the module no_such_module is neither in {tmp_path} nor installed" in message
