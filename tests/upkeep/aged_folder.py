"""A folder store whose objects can be made older, for what is collected by age."""

import os
from datetime import timedelta

from statebag import (
    Policy,
    Statebag,
)
from statebag.store.file import FileStore
from statebag.testing.process import forget
from statebag.upkeep.gc import collect
from tests.bags import noise

STORING = Policy(carry_bytes=0, field_limit=300, piece_bytes=1024, attempts=1)
YEARS = timedelta(days=500)
WEEK = timedelta(days=7)


class Place:
    """A folder whose objects can be made older."""

    def __init__(self, folder):
        self.folder = folder
        self.store = FileStore(folder)

    def seal(self, scope, state=None):
        forget()
        client = Statebag(self.store, policy=STORING, replicas=())
        return client.seal(state or {"log": [noise(200, n) for n in range(60)]}, scope=scope)

    def age(self, prefix, by):
        for info in self.store.list(prefix):
            then = (info.modified - by).timestamp()
            os.utime(self.folder / info.name, (then, then))

    def names(self, prefix=""):
        return [info.name for info in self.store.list(prefix)]

    def actions(self, rules=None, *, delete=True):
        done = collect(self.store, rules, dry_run=not delete)
        return {one.scope: one.action for one in done.decisions}
