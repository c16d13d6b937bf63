"""Which function of a module was left without statebag: only what is sure counts."""

import pytest

from statebag.lint.handler_source import is_left_bare

BARE = {
    "beside": "import statebag\n@statebag.step\ndef other(s, c): return s\ndef h(e, c): return e\n",
    "calls": "import statebag, json\ndef t(v): return json.dumps(v)\ndef h(e, c): return t(e)\n",
    "comment": "# statebag is used elsewhere\ndef h(e, c): return e\n",
    "async": "from statebag import step\n@step\ndef o(s, c): 1\nasync def h(e, c): return e\n",
    "stranger": "import statebag, boto3\nT = boto3.client('s3')\ndef h(e, c): return T.x(e)\n",
}
USED = {
    "decorated": "import statebag\n@statebag.step\ndef h(s, c): return s\n",
    "by another": "import statebag\nfrom powertools import log\n@log\ndef h(s, c): return s\n",
    "wrapped": "import statebag\ndef h(s, c): return s\nh = statebag.step(h)\n",
    "client": "from statebag import Statebag\nsb = Statebag()\ndef h(e, c): return sb.open(e)\n",
    "through": (
        "import statebag as s\nsb = s.Statebag()\ndef read(e): return sb.open(e)\n"
        "def h(e, c): return read(e)\n"
    ),
    "inside": "def h(e, c):\n    from statebag import Statebag\n    return Statebag().open(e)\n",
    "own": "import statebag\nfrom common import read\ndef h(e, c): return read(e)\n",
    "of a package": "import statebag\nfrom common import own\ndef h(e, c): return own.f(e)\n",
    "relative": "import statebag\nfrom .common import read\ndef h(e, c): return read(e)\n",
    "star": "import statebag\nfrom common import *\ndef h(e, c): return read(e)\n",
    "table": "import statebag\ndef h(e, c): return e\nHANDLERS = wrap_all({'h': h})\n",
    "twice": "import statebag\ndef h(e, c): return e\nif 1:\n    pass\ndef h(e, c): return e\n",
    "assigned": "import statebag\nh = statebag.step(lambda s, c: s)\n",
    "class": "import statebag\nclass h: pass\n",
    "not there": "import statebag\n",
    "no Python": "import statebag\ndef h(:\n",
}


@pytest.mark.parametrize("name", BARE)
def test_what_was_left_bare(name):
    assert is_left_bare(BARE[name], "h", lambda _: False)


@pytest.mark.parametrize("name", USED)
def test_what_may_use_it(name):
    assert not is_left_bare(USED[name], "h", lambda module: module == "common")
