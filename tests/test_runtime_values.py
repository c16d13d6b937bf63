import collections
import datetime as dt
import decimal
import enum
import json
import math
import sys
import types

import pytest

import statebag
from statebag import InvalidState, Policy, Statebag
from statebag.format.conversion import converted
from statebag.runtime_values import AS_THE_RUNTIME, holds_unread
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from tests.bags import noise


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    A = "a"


class Mixed(str, enum.Enum):  # noqa: UP042  # its str() is not its value
    A = "a"


class Precise(float):
    """As numpy.float64."""

    def __repr__(self):
        return "Precise()"


class Long(int):
    def __repr__(self):
        return "Long()"


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024

WRITTEN = [
    (decimal.Decimal("1.10"), 1.1),
    (decimal.Decimal(5), 5),
    (decimal.Decimal("-0"), 0),
    (decimal.Decimal("1E+3"), 1000.0),
    (decimal.Decimal(2**70), 2**70),
    ((1, (2, [3])), [1, [2, [3]]]),
    ((), []),
    (Pair(1, Pair(2, 3)), {"a": 1, "b": {"a": 2, "b": 3}}),
    (Number.ONE, 1),
    (Word.A, "a"),
    (Mixed.A, "a"),
    (Precise(1.5), 1.5),
    (Long(7), 7),
    (b"text", "text"),
    ({1: 2, None: 3, 1.5: 4, Number.ONE: 5}, {"1": 5, "null": 3, "1.5": 4}),
    ({True: 1, False: 0}, {"true": 1, "false": 0}),
    ({Word.A: 1, b"b": 2}, {"a": 1, "b": 2}),
    (collections.OrderedDict({2: (1,)}), {"2": [1]}),
    (collections.defaultdict(list, {"a": [(1,)]}), {"a": [[1]]}),
    ({1: "first", "1": "last"}, {"1": "last"}),
]


@pytest.mark.parametrize(("value", "json_value"), WRITTEN)
def test_a_step_takes_what_the_runtime_writes(value, json_value):
    sb = Statebag(MemoryStore())
    handler = sb.step(lambda state, _context: {**state, "v": value})
    opened = sb.open(handler({"execution_id": "m/e"}, None))["v"]
    assert json.dumps(opened) == json.dumps(json_value)


@pytest.mark.parametrize(("value", "json_value"), WRITTEN)
def test_so_the_runtime_itself_writes_it(value, json_value):
    runtime = pytest.importorskip(
        "awslambdaric.lambda_runtime_marshaller", reason="awslambdaric is not installed"
    )
    assert json.dumps(json.loads(runtime.to_json(value))) == json.dumps(json_value)


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        {1, 2},
        object(),
        1j,
        b"\xff",
        {(1, 2): 3},
        {b"\xff": 1},
        {dt.date(2026, 1, 1): 1},
        bytearray(b"a"),
        math.nan,
        decimal.Decimal("NaN"),
        decimal.Decimal("Infinity"),
        decimal.Decimal("1E+5000"),
        Precise("nan"),
        statebag.DELETE,
        iter([]),
    ],
    ids=lambda value: repr(value).split(" object at ")[0],  # the same in each worker
)
def test_what_it_cannot_write_as_json_is_refused_with_its_place(value):
    sb = Statebag(MemoryStore())
    handler = sb.step(lambda state, _context: {**state, "v": [(value,)]})
    with pytest.raises(InvalidState) as caught:
        handler({"execution_id": "m/e"}, None)
    assert caught.value.path == "$.v[0][0]"


def test_a_large_state_with_such_values_is_sealed_and_the_rest_passes_unread():
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    bag = sb.seal({"execution_id": "m/e", "text": noise(90_000)}, scope="m/e")
    handler = sb.step(lambda state, _context: {**state, "v": (1, noise(50_000, 1))}, only=[])
    opened = sb.open(handler(bag, None))
    assert opened == {"execution_id": "m/e", "text": noise(90_000), "v": [1, noise(50_000, 1)]}


def test_a_delta_may_hold_them():
    sb = Statebag(MemoryStore())
    handler = sb.step(lambda _state, _context: {"v": (Number.ONE,)}, returns="delta")
    assert handler({"execution_id": "m/e"}, None) == {"execution_id": "m/e", "v": [1]}


class TestTheEncoderOfTheProcess:
    """A process that has the runtime loaded asks its encoder, whose rules change with releases."""

    @pytest.fixture
    def loaded(self, monkeypatch):
        module = types.ModuleType("awslambdaric.lambda_runtime_marshaller")

        def default(one):
            if isinstance(one, decimal.Decimal):
                return float(one)
            if isinstance(one, dt.date):
                return one.isoformat()
            raise TypeError

        module.to_json = lambda value: json.dumps(value, default=default)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    def test_it_decides(self, loaded):
        state = {1: Pair(1, (2,)), "d": [decimal.Decimal("1.5"), dt.date(2026, 1, 1), Number.ONE]}
        assert converted(state, AS_THE_RUNTIME) == {
            "1": [1, [2]],
            "d": [1.5, "2026-01-01", 1],
        }

    def test_what_it_refuses_stays(self, loaded):
        one = object()
        assert converted([one, {(1,): 1}], AS_THE_RUNTIME) == [one, {(1,): 1}]
        assert converted([b"a"], AS_THE_RUNTIME) == [b"a"]


class TestSealingOff:
    @pytest.fixture(autouse=True)
    def plain(self, monkeypatch):
        monkeypatch.setenv("STATEBAG_PLAIN", "1")

    @pytest.mark.parametrize("value", [(1, {2: 3}), math.nan, decimal.Decimal("1.10"), {1}])
    def test_what_is_returned_is_handed_on_as_it_is(self, value):
        sb = Statebag(MemoryStore())
        answer = {"v": value}
        assert sb.step(lambda _state, _context: answer)({}, None) is answer
        assert sb.step(lambda _state, _context: value)({}, None) is value

    def test_it_is_still_counted_where_it_is_json(self):
        sb = Statebag(MemoryStore())
        for answer, size in (({"a": 1}, 7), ({"a": {1j}}, 0)):
            with usage.measured() as spent:
                sb.step(lambda _state, _context, answer=answer: answer)({}, None)
            assert spent.plain_bytes == size

    def test_what_was_not_opened_is_opened_first(self, monkeypatch):
        sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
        monkeypatch.delenv("STATEBAG_PLAIN")
        bag = sb.seal({"text": noise(90_000)}, scope="m/e")
        monkeypatch.setenv("STATEBAG_PLAIN", "1")
        handler = sb.step(lambda state, _context: {"in": (state,), 1: 2}, only=[])
        assert handler(bag, None) == {"in": [{"text": noise(90_000)}], "1": 2}


def test_values_that_hold_themselves_are_looked_at_once():
    ring = [(1,)]
    ring.append({"a": ring})
    assert not holds_unread(ring)
