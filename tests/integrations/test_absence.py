"""Without its framework, an adapter says what to install, and nothing else is affected."""

import subprocess
import sys

import pytest

ADAPTERS = {"langgraph": "langgraph"}


@pytest.mark.parametrize(("adapter", "package"), ADAPTERS.items())
def test_an_adapter_without_its_framework_says_what_to_install(adapter, package):
    code = f"""
import sys
sys.modules[{package!r}] = None
import statebag
import statebag.integrations
try:
    import statebag.integrations.{adapter}
except statebag.ConfigurationError as error:
    assert error.hint == "Install the extra: pip install 'statebag[{adapter}]'", error.hint
    assert isinstance(error.__cause__, ImportError)
else:
    raise AssertionError("it was imported")
statebag.Statebag("memory://x").open({{}})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)


def test_no_adapter_is_loaded_with_the_core():
    code = "import statebag, sys; assert not [m for m in sys.modules if 'integrations' in m]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
