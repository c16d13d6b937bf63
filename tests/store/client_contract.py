"""What every service that the object storage client speaks to is tried with."""

import obstore
import pytest

from statebag import BlobCorrupt, BlobMissing, Policy, Statebag
from statebag.store.object_storage import ObjectStorage
from statebag.testing.process import forget
from statebag.testing.store_contract import StoreContract
from statebag.upkeep.doctor import examine
from statebag.upkeep.fsck import fsck
from tests.bags import noise

SCOPE = "mächine:1/run 1+2"


class ClientContract(StoreContract):
    """The contract, with what lies in the store seen by the client alone.

    A subclass has a fixture that sets `url` and `options`.
    """

    def make_store(self):
        return ObjectStorage(self.url, options=self.options)

    def put_raw(self, store, name, data):
        obstore.put(store._live.connection.client, name, data)

    def get_raw(self, store, name):
        try:
            return bytes(obstore.get(store._live.connection.client, name).bytes())
        except FileNotFoundError:
            return None

    def delete_raw(self, store, name):
        obstore.delete(store._live.connection.client, name)


def live_through_damage_and_loss(store):
    """A state is sealed and opened; then its only pack is cut, and then deleted."""
    forget()
    state = {"text": noise(50_000), "log": [{"n": n, "text": noise(200, n)} for n in range(900)]}
    policy = Policy(carry_bytes=0, attempts=1)
    bag = Statebag(store, policy=policy, replicas=()).seal(state, scope=SCOPE)

    def opened():
        forget()
        return Statebag(store, policy=policy, replicas=()).open(bag, scope=SCOPE)

    assert opened() == state
    assert fsck(store, bags={"bag": bag}).bags == {"bag": True}
    assert [finding.status for finding in examine(store)].count("ok") == 9
    (info,) = store.list()
    store.put(info.name, store.get(info.name)[:1000])
    assert not fsck(store).whole
    with pytest.raises(BlobCorrupt):
        opened()
    store.delete(info.name)
    assert fsck(store, bags={"bag": bag}).bags == {"bag": False}
    with pytest.raises(BlobMissing):
        opened()
