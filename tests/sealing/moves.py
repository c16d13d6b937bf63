"""A merge of packs that tests give to single parts of a plan."""

from statebag.opening.fetch import Fetcher
from statebag.opening.known import Bases, Known
from statebag.policy import Policy
from statebag.sealing.compaction import Move
from statebag.sealing.plan import Planner
from statebag.store.cache import BlobCache
from statebag.store.memory import MemoryStore


def move_from(*packs, store=None):
    """What merges packs of a store, which is empty unless one is given."""
    planner = Planner(Policy(), "m", Known(), Bases(0))
    fetcher = Fetcher(store or MemoryStore(), BlobCache(0), Policy())
    return Move(frozenset(packs), planner, fetcher)
