import dataclasses
import json
import sys

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
    with pytest.raises(InvalidState, match="not one of type 'Point': ValueError"):
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
            with pytest.raises(InvalidState, match="is not one of type"):
                values.decode({"__typed__": "Model", "value": forged})

    def test_pydantic_is_not_imported_for_it(self):
        assert "pydantic" not in Values.register.__globals__
        assert "statebag.values.registered" in sys.modules
