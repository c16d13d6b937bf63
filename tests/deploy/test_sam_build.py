"""`sam build` with the AWS SAM CLI, for a processor that this machine has not.

The SAM CLI has over forty dependencies, and so an environment of its own: STATEBAG_SAM names
the program, as in `STATEBAG_SAM=/opt/sam/bin/sam`; else it is looked for on the PATH.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.test_package import ELF_MACHINES, elf_machine
from tests.deploy.test_template import DEPLOY, ROOT, resources

SAM = os.environ.get("STATEBAG_SAM") or shutil.which("sam")
MAKEFILE = (DEPLOY / "functions" / "Makefile").read_text("utf-8")


def of_kind(kind):
    return {name for name, one in resources().items() if one["Type"] == f"AWS::Serverless::{kind}"}


def test_the_makefile_has_a_target_for_each_function_and_layer():
    targets = set(re.findall(r"build-(\w+)", MAKEFILE))
    assert targets == of_kind("Function") | of_kind("LayerVersion")
    for name in targets:
        assert resources()[name]["Metadata"]["BuildMethod"] == "makefile"


def test_the_makefile_builds_for_the_templates_runtime():
    text = (DEPLOY / "template.yaml").read_text("utf-8")
    (runtime,) = re.findall(r"^RUNTIME := (.+)$", MAKEFILE, re.MULTILINE)
    assert set(re.findall(r"\bpython3\.\d+", text)) == {f"python{runtime}"}


@pytest.mark.slow
@pytest.mark.skipif(SAM is None, reason="the SAM CLI is not installed (or name it in STATEBAG_SAM)")
@pytest.mark.timeout(1500)
def test_sam_build_makes_the_layers_for_both_processors(tmp_path):
    for name in ("deploy", "src", "requirements"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".aws-sam")
        )
    for name in ("pyproject.toml", "Makefile", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"}
    }
    done = subprocess.run(
        [SAM, "build"],
        cwd=tmp_path / "deploy",
        env={**environment, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    built = tmp_path / "deploy" / ".aws-sam" / "build"
    for layer, architecture in (("StatebagArm64", "arm64"), ("StatebagX86", "x86_64")):
        libraries = list((built / layer / "python").rglob("*.so"))
        assert {one.relative_to(built / layer / "python").parts[0] for one in libraries} >= {
            "obstore",
            "msgspec",
            "backports",
        }
        for one in libraries:
            assert elf_machine(one.read_bytes()) == ELF_MACHINES[architecture], one
            assert one.stat().st_mode & 0o777 == 0o755
        assert (built / layer / "python" / "statebag" / "__init__.py").is_file()
    for function in of_kind("Function"):
        handler = Path(resources()[function]["Properties"]["Handler"]).stem
        assert (built / function / f"{handler}.py").is_file()
