"""`statebag report`: the file; tests/ui has what is in it."""

from statebag import Statebag
from tests.cli.program import is_one_clear_line, statebag


def test_a_file_for_its_owner_without_values(execution, folder):
    result = statebag("report", execution, "--output", "page.html")
    assert (result.exit_code, result.stderr) == (0, "")
    page = folder / "page.html"
    assert f"page.html: {page.stat().st_size:,} bytes" in result.stdout
    assert page.stat().st_mode & 0o077 == 0
    text = page.read_text("utf-8")
    assert "TIMED_OUT" in text
    assert "SECRET" not in text
    assert "small" not in text.partition('id="recorded"')[2].partition("</script>")[0]


def test_a_name_is_enough(execution, folder):
    result = statebag("report", "run-1", "--output", "page.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "TIMED_OUT" in (folder / "page.html").read_text("utf-8")


def test_what_cannot_be_written_is_said(execution, folder):
    result = statebag("report", execution, "--output", "nowhere/page.html")
    assert result.exit_code != 0
    assert is_one_clear_line(result.stderr)


def test_of_a_head(folder):
    client = Statebag(folder / "store", replicas=(), signing_keys={})
    head = client.heads("agents/7").head("main")
    head.advance(head.seal({"turn": 1, "what": "SECRET"}, None), None, label="first")
    place = ("--store", f"file://{folder}/store")
    name = "@heads/agents/7/@main/@head"
    result = statebag("report", name, "--output", "thread.html", *place)
    assert (result.exit_code, result.stderr) == (0, "")
    text = (folder / "thread.html").read_text("utf-8")
    assert "first" in text
    assert "SECRET" not in text
    gone = statebag("report", "@heads/agents/7/@other/@head", "--output", "x.html", *place)
    assert gone.exit_code == 12
    assert is_one_clear_line(gone.stderr)
