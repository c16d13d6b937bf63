"""The program as a module."""

import subprocess
import sys

from statebag import __version__


def test_the_module_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "statebag", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"statebag {__version__}\n"
