"""The files of the page: nothing from elsewhere, and all scripts as one."""

import re
import shutil
import subprocess

import pytest

from statebag.ui.page_files import linked_script, media_type, page_files


def test_nothing_is_loaded_from_elsewhere():
    for name, data in page_files().items():
        text = data.decode()
        found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text))
        assert found <= {"http://www.w3.org/2000/svg"}, name
        assert not re.search(r"@import|\burl\((?!#)", text), name


def test_no_script_or_style_is_inline_and_nothing_writes_html():
    page = page_files()["index.html"].decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|style=", page)
    for name, data in page_files().items():
        if name.endswith(".js") and not name.startswith("vendor/"):
            text = data.decode()
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|document\.write", text
            ), name


def test_licences_of_what_is_vendored_are_there():
    from statebag.ui import page_files as module

    folder = module._FOLDER / "vendor"
    assert "Apache License" in (folder / "LICENSE.htm").read_text()
    assert "MIT License" in (folder / "LICENSE.preact").read_text()


def test_types():
    assert media_type("a.js").startswith("text/javascript")


def test_all_scripts_as_one():
    script = linked_script()
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    assert "</script" not in script
    assert script.index("module_format =") < script.index("module_app =")
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs the program `node`")
    checked = subprocess.run(
        [node, "--check", "--input-type=module", "-"],
        input=script,
        text=True,
        check=False,
        timeout=240,
        capture_output=True,
    )
    assert checked.returncode == 0, checked.stderr
