"""The hints of stores that need no service: each is tried, and what it says works."""

import os
import pickle

import pytest

from statebag import BlobMissing, Policy, Statebag
from statebag.store import bounded
from statebag.store.address import store_from_url, store_of
from statebag.store.bounded import within_deadline
from statebag.store.checked import checked
from statebag.store.confinement import name_below
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.store.retrying import RetryingStore, deadline
from statebag.store.store_place import StorePlace
from statebag.testing.process import forget
from statebag.upkeep.encrypting import encrypt_plain
from tests.bags import noise
from tests.hints.trial import Trial, check_trial

KEY, OTHER = b"k" * 32, b"l" * 32
STATE = {"text": noise(40_000, 1)}
SCOPE = "m/e"


class FewRanges(MemoryStore):
    def get_ranges(self, name, spans):
        return super().get_ranges(name, spans)[1:]


class Untyped(MemoryStore):
    def get(self, name):
        try:
            return super().get(name)
        except BlobMissing:
            raise OSError("gone") from None


def put(store, name="a", data=b"123"):
    store.put(name, data)
    return store


def client(store, keys=(), **more):
    return Statebag(store, policy=Policy(carry_bytes=0, **more), encryption_keys=keys, replicas=())


def opened(world, written, read, *, between=None, **more):
    store = FileStore(world.folder)
    bag = client(store, written).seal(STATE, scope=SCOPE)
    forget()
    if between is not None:
        between(client(store, read).store)
    return client(store, read, **more).open(bag, scope=SCOPE)


def whole_elsewhere(world):
    store, replica = FileStore(world.folder), MemoryStore()
    bag = client(store).seal(STATE, scope=SCOPE)
    forget()
    for info in list(store.list()):
        replica.put(info.name, store.get(info.name))
        store.put(info.name, store.get(info.name)[:100])
    return Statebag(store, replicas=[replica]).open(bag, scope=SCOPE)


def replaced(store, *, read_again):
    store.put_if("a", b"1", None)
    version = store.put_if("a", b"2", store.get_version("a")[1]) if read_again else "another"
    store.put_if("a", b"3", version)


def linked(world, *, is_link):
    store = FileStore(world.folder / "root")
    target = world.folder / "target"
    (target if is_link else world.folder / "root" / "in").mkdir()
    if is_link:
        (world.folder / "root" / "in").symlink_to(target)
    return store.put("in/a", b"1")


def lengthened(store):
    os.truncate(store.root / "a", 1 << 42)  # a sparse file
    return store


async def later():
    return [KEY]


def failing():
    raise RuntimeError("no keys today")


def raised(kind, call):
    with pytest.raises(kind):
        call()


def within(seconds, call):
    with deadline(seconds):
        return call()


TRIALS = [
    Trial(
        "{} _FORMS",
        lambda _: store_from_url("folder"),
        lambda w: (
            store_from_url("memory://name"),
            store_from_url(w.folder.as_uri()),
            store_from_url(str(w.folder)),
        ),
        "Use s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///folder, a"
        " folder as ./folder, /folder or ~/folder, or memory://name",
    ),
    Trial(
        "Give an address, a folder's path, or a store such as those in statebag.store.",
        lambda _: store_of(5),
        lambda w: (store_of("memory://a"), store_of(w.folder), store_of(MemoryStore())),
    ),
    Trial(
        "Use an absolute path",
        lambda _: store_from_url("~nobody-of-this-name/folder"),
        lambda w: store_from_url(str(w.folder / "folder")),
    ),
    Trial(
        "Give the work more time (Policy.deadline_seconds, the Lambda's timeout), or less to do.",
        lambda _: within(0, lambda: within_deadline(lambda: 1, "it did not answer")),
        lambda _: within(60, lambda: within_deadline(lambda: 1, "it did not answer")),
    ),
    Trial(
        "The store does not answer: check it, and the network on the way to it.",
        lambda w: (
            w.replace(bounded, "_MOST_ABANDONED", 0),
            within(60, lambda: within_deadline(lambda: 1, "it did not answer")),
        ),
        lambda _: within(60, lambda: within_deadline(lambda: 1, "it did not answer")),
    ),
    Trial(
        "{} _HINT",
        lambda _: checked(put(FewRanges())).get_ranges("a", [(0, 1), (1, 1)]),
        lambda _: checked(put(MemoryStore())).get_ranges("a", [(0, 1), (1, 1)]),
        "Correct this store; statebag.testing.store_contract has tests for the contract of a"
        " store.",
    ),
    Trial(
        "Let the store raise the typed errors of statebag.store.contract.",
        lambda _: checked(Untyped()).get("a"),
        lambda _: raised(BlobMissing, lambda: checked(MemoryStore()).get("a")),
    ),
    Trial(
        "It was cut short or replaced after it was written; a replica may have an intact copy",
        lambda w: put(FileStore(w.folder)).get_ranges("a", [(0, 100)]),
        whole_elsewhere,
    ),
    Trial(
        "Names are relative paths without empty parts, '.' or '..'",
        lambda w: FileStore(w.folder).put("../a", b""),
        lambda w: FileStore(w.folder).put("b/a", b""),
    ),
    Trial(
        "Percent-encode such characters",
        lambda w: FileStore(w.folder).put("a\\b", b""),
        lambda w: FileStore(w.folder).put("a%5Cb", b""),
    ),
    Trial(
        "Percent-encode what is not text",
        lambda w: FileStore(w.folder).put("a\ud800", b""),
        lambda w: FileStore(w.folder).put("a%ED%A0%80", b""),
    ),
    Trial(
        "Objects are read below {} only.",
        lambda _: name_below("s3://bucket/prefix", "s3://bucket/other/a"),
        lambda _: name_below("s3://bucket/prefix", "s3://bucket/prefix/a"),
    ),
    Trial(
        "Read the object again, and apply the change to what you read.",
        lambda _: replaced(MemoryStore(), read_again=False),
        lambda _: replaced(MemoryStore(), read_again=True),
    ),
    Trial(
        "Set STATEBAG_ENCRYPTION_KEYS to the writer's keys.",
        lambda w: opened(w, [KEY], ()),
        lambda w: opened(w, [KEY], [KEY]),
    ),
    Trial(
        "Keep a retired key in STATEBAG_ENCRYPTION_KEYS, after the one that encrypts.",
        lambda w: opened(w, [KEY], [OTHER]),
        lambda w: opened(w, [KEY], [OTHER, KEY]),
    ),
    Trial(
        "Give [key], with keys of 32 bytes.",
        lambda _: client(MemoryStore(), KEY),
        lambda _: client(MemoryStore(), [KEY]),
    ),
    Trial(
        "`statebag repair --encrypt`, with the keys, encrypts the objects in a store.",
        lambda w: opened(w, [], [KEY], require_encryption=True),
        lambda w: opened(w, [], [KEY], require_encryption=True, between=encrypt_plain),
    ),
    Trial(
        "Give a plain function that returns a list of keys, not an async one.",
        lambda w: opened(w, later, [KEY]),
        lambda w: opened(w, lambda: [KEY], [KEY]),
    ),
    Trial(
        "The error comes from the function itself: call it alone to see the message.",
        lambda w: opened(w, failing, [KEY]),
        lambda _: raised(RuntimeError, failing),
    ),
    Trial(
        "Replace the link by what it points to; only the store's root may be one",
        lambda w: linked(w, is_link=True),
        lambda w: linked(w, is_link=False),
    ),
    Trial(
        "Create it, or correct the store's address",
        lambda w: FileStore(w.folder / "none", create=False),
        lambda w: FileStore(w.folder, create=False),
    ),
    Trial(
        "Choose a folder that this user may create or write",
        lambda w: FileStore(w.file("taken", "") / "folder"),
        lambda w: FileStore(w.folder / "folder"),
    ),
    Trial(
        "Use names that are not part of other names, or use object storage",
        lambda w: put(FileStore(w.folder), "a").put("a/b", b""),
        lambda w: (
            put(FileStore(w.folder), "a").put("b/a", b""),
            put(MemoryStore()).put("a/b", b""),
        ),
    ),
    Trial(
        "Another program has written it: statebag writes objects from memory",
        lambda w: lengthened(put(FileStore(w.folder))).get("a"),
        lambda w: put(FileStore(w.folder)).get("a"),
    ),
    Trial(
        "Use a folder or an object store; MemoryStore.named(...) is pickled by its name, and is"
        " empty in a new process.",
        lambda _: pickle.dumps(MemoryStore()),
        lambda w: [
            pickle.loads(pickle.dumps(store))
            for store in (FileStore(w.folder), MemoryStore.named("hints"))
        ],
    ),
    Trial(
        "Give the work more time, or less to do",
        lambda _: within(0, lambda: RetryingStore(put(MemoryStore())).get("a")),
        lambda _: within(60, lambda: RetryingStore(put(MemoryStore())).get("a")),
    ),
    Trial(
        "Use s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; credentials and"
        " endpoints come from the environment or from options",
        lambda _: StorePlace.parse("s3://name:password@bucket/prefix"),
        lambda _: [StorePlace.parse(f"{kind}://bucket/prefix") for kind in ("s3", "gs", "az")],
    ),
    Trial(
        "Use an access point of S3 itself (arn:…:s3:…:accesspoint/name), or a bucket.",
        lambda _: StorePlace.parse(
            "s3://arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/name/prefix"
        ),
        lambda _: (
            StorePlace.parse("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/prefix"),
            StorePlace.parse("s3://bucket/prefix"),
        ),
    ),
]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint[:60])
def test_a_hint_is_given_and_what_it_says_works(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
