"""A state, the keys that encrypt it, and a client that remembers nothing."""

from statebag import Policy, Statebag
from statebag.testing.process import forget
from tests.bags import noise

SCOPE = "machine/run"
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
STATE = {
    "log": [{"n": n, "text": noise(300, n)} for n in range(300)],
    "text": noise(40_000, 1) + "CANARY" * 50,
    "small": 1,
}


def client_of(store, *keys, **policy):
    forget()
    return Statebag(
        store, policy=Policy(carry_bytes=0, **policy), replicas=(), encryption_keys=keys
    )
