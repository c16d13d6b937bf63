"""Progress of a command that goes through a store."""

from tests.cli.program import on_terminal


def test_on_a_terminal_fsck_shows_how_far_it_is(store):
    text = on_terminal(100, "fsck", "--store", "./store")
    assert "checking" in text
    assert "everything is intact" in text
