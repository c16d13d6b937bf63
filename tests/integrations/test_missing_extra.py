import subprocess
import sys

import pytest

from statebag import ConfigurationError
from statebag.integrations.missing_extra import missing_extra

NEEDS = {
    "durable": "aws_durable_execution_sdk_python",
    "strands": "strands",
    "temporal": "temporalio",
    "claude": "claude_agent_sdk",
    "powertools": "aws_lambda_powertools",
}


@pytest.mark.parametrize("extra", NEEDS)
def test_an_adapter_without_its_framework_says_which_extra_it_needs(extra):
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {NEEDS[extra]!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        f"import statebag.integrations.{extra}"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=240
    )
    last = answer.stderr.strip().splitlines()[-1]
    if extra == "temporal" and "google" in last:
        assert f"statebag[{extra}]" in last
        return
    assert "ConfigurationError" in last
    assert NEEDS[extra] in last
    assert f"pip install 'statebag[{extra}]'" in last


def test_the_error_names_the_package():
    error = missing_extra("durable", ModuleNotFoundError("No module", name="aws_durable"))
    assert isinstance(error, ConfigurationError)
    assert "aws_durable" in str(error)
