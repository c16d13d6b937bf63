import pytest

from benchmarks import agent_adapters


def test_a_framework_that_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr(agent_adapters, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        agent_adapters.main([])
    assert not ended.value.code
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.endswith("is not installed") for line in lines)


def test_a_line_says_whether_the_bound_holds(monkeypatch, capsys):
    monkeypatch.setattr(agent_adapters, "find_spec", lambda name: name)
    for ours, verdict in ((400.0, "within"), (600.0, "ABOVE")):
        measured = {"one": ("package", lambda ours=ours: (ours, 10_000.0, "n"), "peer", 1 / 20)}
        monkeypatch.setattr(agent_adapters, "_MEASURED", measured)
        with pytest.raises(SystemExit) as ended:
            agent_adapters.main(["one"])
        assert bool(ended.value.code) == (verdict == "ABOVE")
        assert f"{verdict} 0.05 (n)" in capsys.readouterr().out


def test_files_are_counted_each_time_that_they_change(tmp_path):
    files = agent_adapters._Files(str(tmp_path))
    (tmp_path / "a").write_bytes(b"123")
    files.look()
    files.look()
    assert files.written == 3
    (tmp_path / "a").write_bytes(b"12345")
    files.look()
    assert files.written == 8
