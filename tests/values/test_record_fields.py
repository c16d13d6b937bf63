"""The fields of classes, and the members of a state that they are read from."""

import dataclasses
from typing import NotRequired, TypedDict

import msgspec
import pytest

from statebag import ConfigurationError
from statebag.values.record_fields import fields_of, is_record, is_root, is_typed_dict

pydantic = pytest.importorskip("pydantic")


@dataclasses.dataclass
class Plain:
    a: int
    b: int = 1
    c: int = dataclasses.field(init=False, default=2)


class Tagged(msgspec.Struct, tag="t", tag_field="kind", rename="camel"):
    unit_price: int


class Row(msgspec.Struct, array_like=True):
    x: int


class Typed(TypedDict):
    a: int
    b: NotRequired[int]


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    a: int = pydantic.Field(validation_alias=pydantic.AliasChoices("aa", pydantic.AliasPath("bb")))
    b: int = pydantic.Field(0, alias="c")


def test_of_each_kind():
    plain = fields_of(Plain)
    assert plain.names == {"a": ("a",), "b": ("b",), "c": ("c",)}
    assert (plain.required, plain.computed) == ({"a"}, {"c"})
    tagged = fields_of(Tagged)
    assert (tagged.names, tagged.tag) == ({"unit_price": ("unitPrice",)}, ("kind", "t"))
    assert fields_of(Row).is_array
    assert fields_of(Typed).required == {"a"}
    assert fields_of(Model).names == {"a": ("aa", "bb", "a"), "b": ("c", "b")}
    assert [is_record(one) for one in (Plain, Tagged, Row, Model, Typed, dict)] == [True] * 4 + [
        False,
        False,
    ]
    assert is_typed_dict(Typed)
    assert not is_typed_dict(dict)
    assert is_root(pydantic.RootModel[int])
    assert not is_root(Model)


def test_aliases_that_a_generator_makes_and_of_pydantic_dataclasses():
    @pydantic.dataclasses.dataclass
    class Aliased:
        a: int = pydantic.Field(0, alias="x")

    class Made(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(alias_generator=str.upper)
        a: int = 0

    class ByName(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(validate_by_alias=False, validate_by_name=True)
        a: int = pydantic.Field(0, alias="x")

    assert fields_of(Aliased).names == {"a": ("x",)}
    assert fields_of(Made).names == {"a": ("A",)}
    assert fields_of(ByName).names == {"a": ("a",)}


def test_the_member_that_was_used():
    assert fields_of(Model).used(Model, {"bb": 1, "a": 2, "b": 3}) == {"a": "bb", "b": "b"}


def test_a_field_inside_another_member_is_refused():
    class Inside(pydantic.BaseModel):
        a: int = pydantic.Field(validation_alias=pydantic.AliasPath("in", "a"))

    with pytest.raises(ConfigurationError, match="inside another member") as caught:
        fields_of(Inside)
    assert "its own model" in caught.value.hint


def test_two_fields_of_one_member_are_refused():
    class Crossed(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(populate_by_name=True)
        a: int = pydantic.Field(0, alias="b")
        b: int = pydantic.Field(0, alias="a")

    fields = fields_of(Crossed)
    assert fields.used(Crossed, {"a": 1, "b": 2}) == {"a": "b", "b": "a"}
    with pytest.raises(ConfigurationError, match="same member") as caught:
        fields.used(Crossed, {"a": 1})
    assert "alias" in caught.value.hint
