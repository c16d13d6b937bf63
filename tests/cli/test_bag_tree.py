"""The tree of a bag: the largest of many, packs by number, and lines that end where they end."""

from statebag import Policy, Statebag
from statebag.cli.bag_tree import print_bag
from statebag.opening.inspection import inspect
from statebag.store.memory import MemoryStore
from tests.bags import noise


def printed(capsys, state, *, show_all=False, policy=None):
    client = Statebag(MemoryStore(), policy=policy or Policy())
    print_bag(inspect(client.seal(state, scope="m/e")), bound=1000, show_all=show_all)
    return capsys.readouterr().out.splitlines()


def test_of_many_fields_the_largest_are_shown_in_the_order_of_the_state(capsys):
    state = {f"k{n:02}": "x" * (n + 1) for n in range(40)}
    lines = printed(capsys, state)
    names = [line.split()[1] for line in lines if line.startswith(("├─", "└─"))]
    assert names[:-1] == [f"k{n:02}" for n in range(10, 40)]
    assert any("10 smaller" in line for line in lines)
    assert any("--all" in line for line in lines)
    lines = printed(capsys, state, show_all=True)
    assert sum("k0" in line for line in lines) == 10
    assert not any("--all" in line for line in lines)


def test_a_stored_value_has_its_pack_and_span_and_no_line_has_blanks_at_its_end(capsys):
    lines = printed(capsys, {"a": {"text": noise(40_000, 1)}}, policy=Policy(carry_bytes=0))
    (row,) = [line for line in lines if "text" in line]
    assert " stored " in row
    assert " p1 8+" in row
    assert any(line.startswith("p1 m/e/") and "1 blob" in line for line in lines)
    assert not any(line != line.rstrip() for line in lines)


def test_plain_values_below_the_top_are_shown_on_request(capsys):
    state = {"outer": {"inner": 1}}
    assert not any("inner" in line for line in printed(capsys, state))
    assert any("inner" in line for line in printed(capsys, state, show_all=True))
