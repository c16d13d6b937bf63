"""A client of a user's own kind can have heads."""

from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.versions import Head, Heads, Version
from tests.versions.threads import STORING, grown


class Counting(Statebag):
    sealed = 0

    def seal(self, *arguments, **named):
        type(self).sealed += 1
        return super().seal(*arguments, **named)


def test_heads_seal_with_the_client_that_they_were_made_of():
    sb = Counting(MemoryStore(), policy=STORING, replicas=())
    head = sb.heads("agents/one").head("main")
    version = grown(head, 3)
    assert Counting.sealed == 3
    assert isinstance(version, Version)
    assert isinstance(head, Head)
    assert isinstance(sb.heads("a"), Heads)
    assert repr(head) == "Head('agents/one', 'main')"
    assert repr(sb.heads("a")) == "Heads('a')"
