from benchmarks import event_loop


def test_it_runs_and_says_what_it_measured(monkeypatch, capsys):
    monkeypatch.setattr(event_loop, "_CALLS", 4)
    monkeypatch.setattr(event_loop, "_STATE_BYTES", 2000)
    monkeypatch.setattr(event_loop, "_CALL_SECONDS", 0.001)
    event_loop.main()
    assert "4 seals and opens in" in capsys.readouterr().out
