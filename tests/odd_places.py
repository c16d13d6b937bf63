"""A JSON value with something odd in one of its places."""

import copy


def places(value, deepest=99, path=()):
    """The path of each place, of long arrays the first three."""
    yield path
    if isinstance(value, dict | list) and len(path) < deepest:
        for key in value if isinstance(value, dict) else range(min(len(value), 3)):
            yield from places(value[key], deepest, (*path, key))


def with_odd(value, path, odd):
    """A copy, in which `odd` stands at the path."""
    odd = copy.deepcopy(odd)
    if not path:
        return odd
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return changed
