import copy
import dataclasses
import enum
import functools
import json
import sys
import threading

import pytest

from statebag.errors import ConfigurationError, InvalidState
from statebag.values import Values
from tests.values.kinds import (
    Color,
    Level,
    Money,
    Order,
    Point,
    Rights,
    Span,
    money_of,
    money_parts,
)


def there_and_back(values, value):
    return values.decode(json.loads(json.dumps(values.encode(value), allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [
        Color.GREEN,
        Level.HIGH,
        Rights.READ | Rights.WRITE,
        Span(1, (2, Color.RED)),
        Point(1, Point(2, {3})),
        Order([Point(1)], paid=True),
        {Color.RED: Level.LOW},
    ],
)
def test_a_registered_class_comes_back(value):
    values = Values(Color, Level, Rights, Span, Point, Order)
    back = there_and_back(values, [value])
    assert back == [value]
    assert type(back[0]) is type(value)


def test_a_class_with_functions_of_its_own():
    values = Values()
    values.register(Money, "money", encode=money_parts, decode=money_of)
    assert there_and_back(values, {"m": Money(5, (1,))}) == {"m": Money(5, (1,))}
    assert values.encode(Money(5, "EUR")) == {"__typed__": "money", "value": [5, "EUR"]}


def test_register_decorates():
    values = Values()

    @values.register
    @dataclasses.dataclass
    class Local:
        n: int

    assert there_and_back(values, Local(3)) == Local(3)


def test_a_dataclass_keeps_what_its_constructor_would_compute_anew():
    order = Order([1, 2])
    order.total = 77
    assert there_and_back(Values(Order), order).total == 77


def test_a_field_that_is_new_gets_its_default_and_one_that_is_gone_is_an_error():
    values = Values(Point)
    assert values.decode({"__typed__": "Point", "value": {"x": 1}}) == Point(1, 0)
    with pytest.raises(InvalidState, match="not of type 'Point': ValueError"):
        values.decode({"__typed__": "Point", "value": {"x": 1, "z": 2}})
    with pytest.raises(InvalidState, match="TypeError"):
        values.decode({"__typed__": "Point", "value": {"y": 1}})


def test_a_constructor_that_refuses_is_an_error_without_the_value():
    with pytest.raises(InvalidState, match="'Order': ValueError") as caught:
        Values(Order).decode({"__typed__": "Order", "value": {"items": [], "paid": "secret"}})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("member", ["PURPLE", "__class__", "mro", 1, None, []])
def test_only_members_of_an_enum_come_back(member):
    with pytest.raises(InvalidState, match="'Color'"):
        Values(Color).decode({"__typed__": "Color", "value": member})


def test_a_class_that_cannot_be_taken_apart_needs_functions():
    with pytest.raises(ConfigurationError, match="neither an enum") as caught:
        Values(Money)
    assert "encode= and decode=" in caught.value.hint
    with pytest.raises(ConfigurationError, match="decode is missing for Money"):
        Values().register(Money, encode=money_parts)
    with pytest.raises(ConfigurationError, match="encode is missing for Money"):
        Values().register(Money, decode=money_of)


@dataclasses.dataclass(init=False)
class OwnInit:
    x: int

    def __init__(self):
        self.x = 1


@dataclasses.dataclass
class WithInitVar:
    x: int
    y: dataclasses.InitVar[int]


@dataclasses.dataclass
class Derived:
    x: int
    y: dataclasses.InitVar[int] = 3

    def __post_init__(self, y):
        self.z = y
        self.lock = threading.Lock()

    @functools.cached_property
    def twice(self):
        return 2 * self.x


@dataclasses.dataclass
class Mutating:
    items: list

    def __post_init__(self):
        self.items.append("more")


@dataclasses.dataclass(slots=True)
class Slots:
    x: int
    y: int = dataclasses.field(init=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    x: object = None


class SubOfPoint(Point):
    pass


class SubOfSpan(Span):
    pass


class OneArgument(Span):
    def __new__(cls, start):
        return super().__new__(cls, start, start)


class Alias(enum.Enum):
    A = 1
    B = 1  # noqa: PIE796  # an alias


class Text(enum.StrEnum):
    A = "a"


class Bits(enum.IntFlag):
    A = 1


def with_more(value, **more):
    for name, one in more.items():
        object.__setattr__(value, name, one)
    return value


KINDS = [
    OwnInit, WithInitVar, Derived, Mutating, Slots, Frozen, SubOfPoint, SubOfSpan, OneArgument,
    Alias, Text, Bits, Point, Span, Color,
]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: with_more(Derived(1), more=2), "an attribute 'more', which is not a field"),
        (lambda: with_more(SubOfPoint(1), more=2), "an attribute 'more'"),
        (lambda: with_more(SubOfSpan(1, 2), more=2), "an attribute 'more'"),
        (lambda: Derived(1, 4), "an attribute 'z'"),
        (OwnInit, "would not come back"),
        (lambda: WithInitVar(1, 2), "would not come back"),
        (lambda: Mutating(["a"]), "would come back changed"),
        (lambda: Slots(1), "could not be written: AttributeError"),
        (lambda: OneArgument(3), "would not come back"),
    ],
)
def test_what_would_not_come_back_is_refused_when_it_is_sealed(made, said):
    values = Values(*KINDS)
    value = made()
    before = copy.copy(getattr(value, "items", None))
    with pytest.raises(InvalidState, match=said) as caught:
        values.encode({"a": [1, {"deep": value}]})
    assert caught.value.path.startswith("$.a[1].deep")
    assert "encode= and decode=" in caught.value.hint
    assert getattr(value, "items", None) == before, "the constructor changed the state"


@pytest.mark.parametrize(
    "value",
    [
        Derived(1),
        with_more(Slots(1), y=2),
        Frozen(x=Frozen(x=(1,))),
        SubOfPoint(1, 2),
        SubOfSpan(1, 2),
        Alias.B,
        Text.A,
        Bits(9),
        Bits(0),
        ~Bits.A,
        {Frozen(x=1): {Text.A}},
    ],
    ids=repr,
)
def test_odd_classes_come_back(value):
    back = there_and_back(Values(*KINDS), [value])
    assert back == [value]
    assert type(back[0]) is type(value)


def test_what_a_value_only_caches_does_not_travel():
    value = Derived(1)
    assert value.twice == 2
    assert "twice" not in vars(there_and_back(Values(Derived), value))


@pytest.mark.parametrize("value", [SubOfPoint(1), SubOfSpan(1, 2), Text.A, Bits.A])
def test_a_subclass_needs_its_own_registration(value):
    with pytest.raises(InvalidState, match="has no registered form"):
        Values(Point, Span).encode([value])


def test_functions_of_the_users_own_are_tried_when_it_is_sealed():
    values = Values()
    values.register(Money, encode=money_parts, decode=lambda parts: Money(*parts, 3))
    with pytest.raises(InvalidState, match=r"would not come back: .*TypeError"):
        values.encode([Money(1, "EUR")])
    in_any_order = Values()  # what they write may differ from one call to the next
    turn = iter([[1, 2], [2, 1]])
    in_any_order.register(Money, encode=lambda _: next(turn), decode=money_of)
    assert in_any_order.encode([Money(1, 2)]) == [{"__typed__": "Money", "value": [1, 2]}]


class TestPydantic:
    @pytest.fixture
    def pydantic(self):
        return pytest.importorskip("pydantic")

    @pytest.fixture
    def model(self, pydantic):
        class Inner(pydantic.BaseModel):
            when: tuple[int, ...] = ()

        class Model(pydantic.BaseModel):
            model_config = pydantic.ConfigDict(extra="allow")
            name: str = pydantic.Field(alias="theName")
            inner: Inner | None = None
            n: int = 1
            _hidden: int = pydantic.PrivateAttr(default=0)

            @pydantic.field_validator("n")
            @classmethod
            def adds(cls, value):
                return value + 1

        Model.Inner = Inner
        return Model

    def test_a_model_comes_back_with_what_was_set_and_what_is_private(self, model):
        values = Values(model, model.Inner)
        made = model(theName="a", inner=model.Inner(when=(1, 2)), more={3})
        made.n = 9
        made._hidden = 4
        back = there_and_back(values, made)
        assert back == made
        assert (back.n, back._hidden, back.more) == (9, 4, {3})
        assert back.model_fields_set == made.model_fields_set
        assert type(back.inner) is model.Inner

    def test_a_root_model(self, pydantic):
        class Names(pydantic.RootModel[list[str]]):
            pass

        assert there_and_back(Values(Names), Names(["a"])) == Names(["a"])

    def test_a_forged_model_is_validated(self, model):
        values = Values(model)
        stored = values.encode(model(theName="a"))
        for change in ({"name": 5}, {"n": "x"}, {"__class__": 1}):
            forged = {**stored["value"], "fields": {**stored["value"]["fields"], **change}}
            with pytest.raises(InvalidState, match="is not of type"):
                values.decode({"__typed__": "Model", "value": forged})

    def test_what_would_not_come_back_is_refused(self, pydantic):
        class Plain(pydantic.BaseModel):
            n: int

        values = Values(Plain)
        odd = Plain(n=1)
        object.__setattr__(odd, "more", 2)
        with pytest.raises(InvalidState, match="an attribute 'more'"):
            values.encode([odd])
        with pytest.raises(InvalidState, match="would not come back"):
            values.encode([Plain.model_construct(n="secret")])

    def test_a_private_attribute_that_was_deleted_stays_so(self, pydantic):
        class Private(pydantic.BaseModel):
            _one: int = pydantic.PrivateAttr(default=1)
            _two: int = pydantic.PrivateAttr(default=2)

        made = Private()
        del made._one
        made._two = 5
        assert there_and_back(Values(Private), made).__pydantic_private__ == {"_two": 5}

    def test_extra_fields_that_a_validator_would_change_stay_what_they_were(self, pydantic):
        class Extra(pydantic.BaseModel):
            model_config = pydantic.ConfigDict(extra="allow")
            __pydantic_extra__: dict[str, int]

        made = Extra(a=1)
        made.b = "2"
        back = there_and_back(Values(Extra), made)
        assert back.__pydantic_extra__ == {"a": 1, "b": "2"}

    def test_pydantic_is_not_imported_for_it(self):
        assert "pydantic" not in Values.register.__globals__
        assert "statebag.values.registered" in sys.modules
