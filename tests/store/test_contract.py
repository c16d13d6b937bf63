"""Every backend passes the shipped contract."""

import pytest

from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.store.object_storage import ObjectStorage
from statebag.store.retrying import RetryingStore
from statebag.testing.recording_store import RecordingStore
from statebag.testing.store_contract import StoreContract


class TestFileStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path / "store"

    def make_store(self):
        return FileStore(self.folder)

    def put_raw(self, store, name, data):
        self.folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        self.folder.joinpath(name).write_bytes(data)

    def get_raw(self, store, name):
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def delete_raw(self, store, name):
        self.folder.joinpath(name).unlink()


class TestMemoryStore(StoreContract):
    def make_store(self):
        return MemoryStore()

    def put_raw(self, store, name, data):
        store._objects[name] = type(store._objects[name])(data, store._objects[name].modified)

    def get_raw(self, store, name):
        held = store._objects.get(name)
        return held and held.data

    def delete_raw(self, store, name):
        del store._objects[name]


class TestWrappedStore(StoreContract):
    """The wrappers keep every promise of what they wrap."""

    def make_store(self):
        self.inner = MemoryStore()
        return RetryingStore(RecordingStore(self.inner))

    def put_raw(self, store, name, data):
        self.inner.put(name, data)

    def get_raw(self, store, name):
        return None if self.inner.head(name) is None else self.inner.get(name)

    def delete_raw(self, store, name):
        self.inner.delete(name)


@pytest.mark.s3
class TestObjectStorage(StoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, s3_server, s3_store_url):
        self.client = s3_server.client()
        self.url = s3_store_url

    def make_store(self):
        return ObjectStorage(self.url)

    def _place(self, name):
        bucket, _, prefix = self.url.removeprefix("s3://").partition("/")
        return {"Bucket": bucket, "Key": f"{prefix}/{name}"}

    def put_raw(self, store, name, data):
        self.client.put_object(**self._place(name), Body=data)

    def get_raw(self, store, name):
        try:
            return self.client.get_object(**self._place(name))["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None

    def delete_raw(self, store, name):
        self.client.delete_object(**self._place(name))
