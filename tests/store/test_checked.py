import pickle
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from statebag import (
    BlobCorrupt,
    ConfigurationError,
    Policy,
    Statebag,
    StatebagError,
    StoreUnavailable,
)
from statebag.store.address import store_of
from statebag.store.checked import CheckedStore, checked
from statebag.store.contract import ObjectInfo
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.store.retrying import RetryingStore, deadline
from statebag.testing.faulty_store import FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.testing.store_contract import StoreContract
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import collect
from tests.bags import noise

NOW = datetime.now(UTC)
SECRET = "a value of a state"


class Own(MemoryStore):
    """Someone's own store, which does one thing wrong."""

    def __init__(self, **wrong):
        super().__init__()
        self.wrong = {}
        self.put("a", b"0123456789")
        self.put("b", b"")
        self.wrong = wrong

    def _answer(self, call, right):
        if call not in self.wrong:
            return right
        wrong = self.wrong[call]
        return wrong(right) if callable(wrong) else wrong

    def get(self, name):
        return self._answer("get", super().get(name))

    def get_ranges(self, name, spans):
        return self._answer("get_ranges", super().get_ranges(name, spans))

    def head(self, name):
        return self._answer("head", super().head(name))

    def list(self, prefix=""):
        return self._answer("list", super().list(prefix))

    def put(self, name, data):
        super().put(name, self._answer("put", data))

    def delete(self, name):
        super().delete(self._answer("delete", name))


class TestContract(StoreContract):
    def make_store(self):
        return CheckedStore(Own())

    @pytest.fixture(autouse=True)
    def _empty(self, monkeypatch):
        monkeypatch.setattr(Own, "__init__", MemoryStore.__init__)
        monkeypatch.setattr(Own, "wrong", {}, raising=False)

    def put_raw(self, store, name, data):
        MemoryStore.put(store._store, name, data)

    def get_raw(self, store, name):
        held = store._store._objects.get(name)
        return None if held is None else held.data

    def delete_raw(self, store, name):
        store._store._objects.pop(name, None)


def test_only_another_s_store_is_wrapped(tmp_path):
    for ours in (MemoryStore(), FileStore(tmp_path)):
        assert store_of(ours) is ours
    assert isinstance(store_of(Own()), CheckedStore)
    assert checked(checked_one := checked(Own())) is checked_one


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda right: right[:-1], "2 ranges and returned 1"),
        (lambda right: [*right, b""], "2 ranges and returned 3"),
        (lambda _: [], "returned 0"),
        (lambda right: [right[0][:-1], right[1]], "2 bytes at offset 0 and returned 1"),
        (lambda right: [right[0] + b"x", right[1]], "returned 3"),
    ],
)
def test_other_ranges_than_asked_for_are_damage(wrong, what):
    with pytest.raises(BlobCorrupt, match="the store Own was asked for") as caught:
        checked(Own(get_ranges=wrong)).get_ranges("a", [(0, 2), (4, 3)])
    assert what in caught.value.message
    assert "store_contract" in caught.value.hint


def info(**fields):
    return ObjectInfo(**{"name": "a", "size": 10, "modified": NOW, **fields})


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("get", None),
        ("get", SECRET),
        ("get", bytearray(b"0123456789")),
        ("get", memoryview(b"0123456789")),
        ("get_ranges", None),
        ("get_ranges", b"01"),
        ("get_ranges", {0: b"01"}),
        ("get_ranges", ["01"]),
        ("get_ranges", [None]),
        ("get_ranges", [memoryview(b"01")]),
        ("head", "a"),
        ("head", True),
        ("head", info(name="b")),
        ("head", info(size=-1)),
        ("head", info(size="10")),
        ("head", info(size=1.5)),
        ("head", info(modified=NOW.replace(tzinfo=None))),
        ("head", info(modified=0)),
        ("list", None),
        ("list", ["a"]),
        ("list", [info(name=None)]),
        ("list", [info(name="b"), info(name="a")]),
        ("list", [info(), info()]),
        ("list", 5),
    ],
)
def test_answers_of_a_wrong_kind_say_whose_fault_it_is(call, answer):
    store = checked(Own(**{call: answer}))
    calls = {
        "get": lambda: store.get("a"),
        "get_ranges": lambda: store.get_ranges("a", [(0, 2)]),
        "head": lambda: store.head("a"),
        "list": lambda: list(store.list()),
    }
    with pytest.raises(ConfigurationError, match="the store Own") as caught:
        calls[call]()
    assert SECRET not in str(caught.value)
    assert "store_contract" in caught.value.hint


def test_a_listing_outside_the_prefix():
    store = checked(Own(list=[info(name="other/a")]))
    with pytest.raises(ConfigurationError, match="outside the prefix"):
        list(store.list("scope"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionError(SECRET), StoreUnavailable),
        (TimeoutError(SECRET), StoreUnavailable),
        (OSError(SECRET), StoreUnavailable),
        (RuntimeError(SECRET), StoreUnavailable),
        (ValueError(SECRET), StoreUnavailable),
        (type("ClientError", (Exception,), {})(SECRET), StoreUnavailable),
        (KeyError(SECRET), ConfigurationError),
        (IndexError(SECRET), ConfigurationError),
        (TypeError(SECRET), ConfigurationError),
        (AttributeError(SECRET), ConfigurationError),
        (NotImplementedError(SECRET), ConfigurationError),
        (AssertionError(SECRET), ConfigurationError),
        (StopIteration(SECRET), StoreUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
@pytest.mark.parametrize("call", ["get", "get_ranges", "head", "list", "put", "delete"])
def test_errors_of_its_own_are_typed_and_say_where(call, error, kind):
    def fail(_):
        raise error

    store = checked(Own(**{call: fail}))
    calls = {
        "get": lambda: store.get("a"),
        "get_ranges": lambda: store.get_ranges("a", [(0, 2)]),
        "head": lambda: store.head("a"),
        "list": lambda: list(store.list()),
        "put": lambda: store.put("c", b""),
        "delete": lambda: store.delete("a"),
    }
    with pytest.raises(kind, match="the store Own") as caught:
        calls[call]()
    assert "test_checked.py, line " in caught.value.message
    assert type(error).__name__ in caught.value.message
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_address_that_is_no_text():
    class Nameless(MemoryStore):
        url = None

    with pytest.raises(ConfigurationError, match="its url is of type NoneType"):
        Statebag(Nameless())


def test_attributes_beyond_the_contract_are_those_of_the_store():
    store = Own()
    store.colour = "red"
    assert checked(store).colour == "red"
    with pytest.raises(AttributeError):
        checked(store).none  # noqa: B018 (read, not used)
    assert list(checked(store).versions("a")) == []
    named = MemoryStore.named("test-checked")
    assert pickle.loads(pickle.dumps(CheckedStore(named)))._store is named


def sealed(store):
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256, attempts=1))
    bag = client.seal({f"k{n}": noise(2_000, n) for n in range(5)}, scope="m/e")
    forget()
    return bag


FAULTS = {
    "fewer ranges": {"get_ranges": lambda right: right[:-1]},
    "no bytes": {"get_ranges": None, "get": None, "head": 7, "list": None},
    "listed twice": {"list": lambda right: [one for one in right for _ in (0, 1)]},
    "an error": {
        call: lambda _: (_ for _ in ()).throw(KeyError(SECRET))
        for call in ("get", "get_ranges", "head", "list", "put", "delete")
    },
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_public_call_raises_an_error_of_another_kind(fault):
    store = Own()
    bag = sealed(store)
    store.wrong = fault
    client = Statebag(store, policy=Policy(carry_bytes=0, attempts=1), replicas=())
    for call in (
        lambda: client.open(bag),
        lambda: client.get(bag, "k0"),
        lambda: client.repair(bag),
        lambda: client.export(bag),
        lambda: list(client.open_each([bag])),
        lambda: client.differences(bag, client.append({"l": []}, "l", [noise(60_000)], "m/e")),
        lambda: client.seal({"new": noise(60_000)}, scope="m/n"),
        lambda: fsck(store, bags={"bag": bag}),
        lambda: collect(store),
    ):
        forget()
        texts = [SECRET.upper()]
        with suppress(StatebagError):
            try:
                call()
            except StatebagError as error:
                texts.append(str(error))
                raise
        assert SECRET not in "".join(texts)


def test_a_replica_serves_what_the_store_gives_wrongly():
    store, replica = Own(), MemoryStore()
    bag = sealed(store)
    for found in store.list():
        replica.put(found.name, store.get(found.name))
    store.wrong = {"get_ranges": lambda right: right[:-1]}
    client = Statebag(store, policy=Policy(attempts=1), replicas=[replica])
    assert set(client.open(bag)) == {f"k{n}" for n in range(5)}


@pytest.mark.parametrize("call", ["get_ranges", "put"])
def test_a_store_that_hangs_is_bounded(call):
    free = threading.Event()
    store = Own()
    bag = sealed(store)
    store.wrong = {call: lambda right: free.wait() and right}
    client = Statebag(store, policy=Policy(carry_bytes=0, deadline_seconds=0.3), replicas=())
    calls = {
        "put": lambda: client.seal({"text": noise(60_000)}, scope="m/n"),
        "get_ranges": lambda: client.open(bag),
    }
    try:
        with pytest.raises(StoreUnavailable):
            calls[call]()
    finally:
        free.set()


def test_the_deadline_of_the_code_around_it():
    store, free = Own(), threading.Event()
    store.wrong = {"list": lambda right: (free.wait(), right)[1]}
    try:
        with deadline(0.2), pytest.raises(StoreUnavailable, match="did not list"):
            list(checked(store).list())
    finally:
        free.set()


def test_a_store_with_coroutines_is_not_taken_for_one_that_has_written():
    class Later(MemoryStore):
        async def put(self, name, data):
            raise AssertionError("nobody awaits it")

    with pytest.raises(ConfigurationError, match="coroutine, which nothing awaits"):
        checked(Later()).put("m/e/a.pack", b"x")


def test_a_listing_with_none_in_it_is_not_taken_for_its_end():
    class Holes(MemoryStore):
        def list(self, prefix=""):
            yield from (None, *super().list(prefix))

    with pytest.raises(ConfigurationError, match="NoneType"):
        list(checked(Holes()).list())


WRAPPERS = {
    "RetryingStore": lambda store: RetryingStore(store, attempts=1),
    "EncryptedStore": lambda store: EncryptedStore(store, Keys([bytes(32)])),
    "FaultyStore": lambda store: FaultyStore(store, []),
    "RecordingStore": RecordingStore,
    "two": lambda store: RetryingStore(RecordingStore(store), attempts=1),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_store_inside_another_is_checked_once(wrap):
    wrapped = wrap(Own(get_ranges=lambda right: right[:-1]))
    checks = 0
    inner = wrapped
    while (inner := vars(inner).get("_store")) is not None:
        checks += isinstance(inner, CheckedStore)
    assert checks == 1
    assert isinstance(vars(wrap(checked(Own())))["_store"], CheckedStore | RecordingStore)
    with pytest.raises(BlobCorrupt, match="the store Own was asked for"):
        wrapped.get_ranges("a", [(0, 2)])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_client_of_a_store_with_retries_of_its_own_raises_typed_errors(fault):
    store = Own()
    bag = sealed(store)
    store.wrong = fault
    client = Statebag(RetryingStore(store, attempts=1), policy=Policy(attempts=1), replicas=())
    for call in (
        lambda: client.open(bag),
        lambda: client.seal({"new": noise(60_000)}, scope="m/n"),
        lambda: collect(client.store),
    ):
        forget()
        with suppress(StatebagError):
            call()


def raises(error):
    def member(*_):
        raise error

    return member


async def later(*_):
    raise AssertionError("nobody awaits it")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", None),
        ("url", b"own://"),
        ("identity", ["a"]),
        ("identity", "a"),
        ("identity", ([],)),
        ("is_local", "yes"),
        ("salt", "text"),
        *(
            (member, property(fails))
            for member in ("url", "identity", "is_local", "salt")
            for fails in (raises(ZeroDivisionError(SECRET)), raises(KeyError(SECRET)), later)
        ),
    ],
)
def test_what_a_store_says_of_itself_is_typed(member, value):
    store = type("Odd", (Own,), {member: value})()
    with pytest.raises((ConfigurationError, StoreUnavailable), match="the store Odd") as caught:
        Statebag(store, policy=Policy(carry_bytes=0))
    assert member in caught.value.message
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_a_store_says_of_itself_is_read_once():
    read = []

    class Counted(Own):
        @property
        def identity(self):
            read.append("identity")
            return ("counted", 1)

        @property
        def url(self):
            read.append("url")
            return "own://counted"

        @property
        def is_local(self):
            read.append("is_local")
            return True

    client = Statebag(store_of(Counted()), policy=Policy(carry_bytes=0))
    assert client.open(client.seal({"text": noise(60_000)}, scope="m/e")) == {"text": noise(60_000)}
    assert client.store.identity == ("counted", 1)
    assert client.store.is_local
    assert sorted(read) == ["identity", "is_local", "url"]


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"leftovers": lambda _: ["x"]}, "leftovers returned str, not ObjectInfo"),
        ({"leftovers": lambda _: None}, "TypeError"),
        ({"leftovers": lambda _: [info(size=-1)]}, "leftovers returned a size"),
        ({"leftovers": raises(ZeroDivisionError(SECRET))}, "ZeroDivisionError"),
        ({"leftovers": property(raises(ZeroDivisionError(SECRET)))}, "its attribute leftovers"),
        ({"leftovers": later}, "coroutine, which nothing awaits"),
        ({"leftovers": lambda _: [info(modified=NOW.replace(year=2000))]}, "discard the object"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda store: store, RetryingStore])
def test_leftovers_of_a_store_that_breaks_the_contract(members, what, wrap):
    members = {"discard": raises(TypeError(SECRET)), **members}
    store = type("Odd", (Own,), members)()
    with pytest.raises((ConfigurationError, StoreUnavailable), match="the store Odd") as caught:
        collect(wrap(store), dry_run=False)
    assert what in caught.value.message
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("versions", [lambda *_: None, later, lambda *_: ["text"], 5])
def test_versions_of_a_store_that_breaks_the_contract(versions):
    store = checked(type("Odd", (Own,), {"versions": versions})())
    with pytest.raises(ConfigurationError, match="the store Odd"):
        list(store.versions("a"))


def test_the_number_of_a_store_stays_in_its_process():
    one = RetryingStore(MemoryStore.named("test-number"))
    own = RetryingStore(type("Named", (Own,), {"__reduce__": lambda _: (Own, ())})())
    for store in (one, own):
        assert store.identity == store.identity
        assert vars(pickle.loads(pickle.dumps(store)))["_identity"] is None
    assert pickle.loads(pickle.dumps(own)).identity != own.identity
