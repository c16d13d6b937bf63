"""Damage to the store of the fixture `store`, as a bucket may come to it."""

SCOPE = "machine/run"


def damage(store, *, everything=False):
    """Change a byte of the first pack; return the names of both packs."""
    names = [info.name for info in store.list()]
    first, second = names * 2 if everything else names
    data = store.get(first)
    store.put(first, data[:100] + b"!" + data[101:])
    return first, second
