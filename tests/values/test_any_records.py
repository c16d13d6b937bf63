"""A change of a typed state is the same change of the plain dict, and nothing else."""

import copy
import dataclasses
import datetime as dt
import json
from collections import deque
from typing import Any, NotRequired, TypedDict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag.values.state_record import StateRecord

try:
    import pydantic
except ImportError:  # the other kinds are tried without it
    pydantic = None  # type: ignore[assignment]

DEFAULTS = {"price": 0.0, "at": None, "ok": None, "count": 0, "tags": [], "inner": None}


class Part(TypedDict):
    a: int
    b: NotRequired[float]


@dataclasses.dataclass
class Line:
    item: str
    price: float = 0.0
    at: dt.datetime | None = None
    ok: bool | None = None
    count: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)
    inner: "Line | None" = None


@dataclasses.dataclass
class Whole:
    lines: list[Line]
    named: dict[str, Line]
    first: Line | None
    queue: list[float]
    pair: tuple[Line, float]
    part: Part
    free: Any


class LineStruct(msgspec.Struct):
    item: str
    price: float = 0.0
    at: dt.datetime | None = None
    ok: bool | None = None
    count: int = 0
    tags: list[str] = []
    inner: "LineStruct | None" = None


class WholeStruct(msgspec.Struct):
    lines: list[LineStruct]
    named: dict[str, LineStruct]
    first: LineStruct | None
    queue: list[float]
    pair: tuple[LineStruct, float]
    part: Part
    free: Any


class LineDict(TypedDict):
    item: str
    price: NotRequired[float]
    at: NotRequired[str | None]
    ok: NotRequired[bool | None]
    count: NotRequired[int]
    tags: NotRequired[list[str]]
    inner: NotRequired["LineDict | None"]


class WholeDict(TypedDict):
    lines: list[LineDict]
    named: dict[str, LineDict]
    first: LineDict | None
    queue: list[float]
    pair: list[Any]
    part: Part
    free: Any


KINDS: dict[str, tuple[Any, Any]] = {
    "dataclass": (Whole, Line),
    "struct": (WholeStruct, LineStruct),
    "dict": (WholeDict, dict),
}
if pydantic is not None:
    import typing_extensions

    class PartOfModel(typing_extensions.TypedDict):
        a: int
        b: typing_extensions.NotRequired[float]

    class LineModel(pydantic.BaseModel):
        item: str
        price: float = 0.0
        at: dt.datetime | None = None
        ok: bool | None = None
        count: int = 0
        tags: list[str] = pydantic.Field(default_factory=list)
        inner: "LineModel | None" = None

    class WholeModel(pydantic.BaseModel):
        lines: list[LineModel]
        named: dict[str, LineModel]
        first: LineModel | None
        queue: deque[float]
        pair: tuple[LineModel, float]
        part: PartOfModel
        free: Any

    KINDS["model"] = (WholeModel, LineModel)

NUMBERS = st.sampled_from([0, 1, 1.0, -0.0, 2, 2.5, 10**15])
UNKNOWN = st.sampled_from([None, True, 1, 1.0, "", {"price": 1}, [2**70, {"z": -0.0}]])


def lines(*, is_lax: bool) -> st.SearchStrategy[Any]:
    """Lines, with values of other types where a class takes them."""
    fields = {
        "price": st.one_of(NUMBERS, st.sampled_from(["1", "1.50"])) if is_lax else NUMBERS,
        "at": st.sampled_from([None, "2026-11-28T00:00:00Z", "2026-11-28T09:00:00.500+09:00"]),
        "ok": st.sampled_from([None, True, *(["yes", 1, "on"] if is_lax else [])]),
        "count": st.sampled_from([0, 1, 4, 5, *(["1", "5", 1.0, True] if is_lax else [])]),
        "tags": st.lists(st.sampled_from(["", "a", "b"]), max_size=2),
        "x": UNKNOWN,
        "y": UNKNOWN,
    }
    some = st.fixed_dictionaries({"item": st.sampled_from(["", "a", "사과"])}, optional=fields)
    inner = st.one_of(st.none(), some)
    with_inner = st.fixed_dictionaries({"item": st.just("i")}, optional={**fields, "inner": inner})
    return st.one_of(some, with_inner)


def states(*, is_lax: bool) -> st.SearchStrategy[Any]:
    """States that each kind takes."""
    line = lines(is_lax=is_lax)
    return st.fixed_dictionaries(
        {
            "lines": st.lists(line, max_size=4),
            "u": UNKNOWN,
            "named": st.dictionaries(st.sampled_from("abc"), line),
            "first": st.one_of(st.none(), line),
            "queue": st.lists(NUMBERS, max_size=3),
            "pair": st.tuples(line, NUMBERS).map(list),
            "part": st.fixed_dictionaries({"q": UNKNOWN, "a": st.just(1), "p": UNKNOWN}),
            "free": st.one_of(UNKNOWN, st.lists(line, max_size=2)),
        }
    )


WHERE = st.sampled_from(["lines", "named", "first", "pair"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(
            st.just("set"),
            WHERE,
            st.sampled_from(
                [
                    ("item", "new"),
                    ("price", 7.5),
                    ("price", 10.0**15),
                    ("count", 5_000),
                    ("count", 3),
                    ("ok", False),
                    ("at", dt.datetime(2027, 1, 1, tzinfo=dt.UTC)),
                ]
            ),
        ),
        st.tuples(st.just("tag"), WHERE, st.just("t")),
        st.tuples(st.sampled_from(["reverse", "drop", "new", "move", "share"]), WHERE, st.none()),
        st.tuples(st.sampled_from(["queue", "part", "free", "none"]), WHERE, st.none()),
    ),
    max_size=5,
)


class Side:
    """A state that is changed: an object, or the plain dict that it is compared with."""

    def __init__(self, state: Any, line: Any, *, is_plain: bool) -> None:
        self.state = state
        self.line = line
        self.is_plain = is_plain
        self.is_dict = isinstance(state, dict)

    def get(self, one: Any, name: str) -> Any:
        return one.get(name, DEFAULTS.get(name)) if self.is_dict else getattr(one, name)

    def set(self, one: Any, name: str, value: Any) -> None:
        if not self.is_dict:
            setattr(one, name, value)
        elif isinstance(value, dt.datetime):
            one[name] = "2027-01-01T00:00:00Z"
        else:
            one[name] = value

    def some(self, where: str) -> Any:
        """Return a line of a place; None if none is there."""
        here = self.get(self.state, where)
        if where == "named":
            here = list(here.values())
        return here if where == "first" else here[0] if here else None

    def change(self, what: str, where: str, value: Any) -> None:
        at = self.some(where)
        rows = self.get(self.state, "lines")
        if what == "set" and at is not None:
            self.set(at, *value)
        elif what == "tag" and at is not None:
            if self.is_dict:
                at.setdefault("tags", [])
            self.get(at, "tags").append(value)
        elif what == "reverse":
            rows.reverse()
        elif what == "drop" and rows:
            del rows[0]
        elif what == "new":
            defaults = copy.deepcopy(DEFAULTS) if self.is_dict else {}
            rows.insert(0, self.line(item="new", **defaults))
            self.get(self.state, "named")["new"] = self.line(item="n", **copy.deepcopy(defaults))
        elif what == "move" and at is not None:
            rows.append(at)
            self.get(self.state, "named").pop("a", None)
        elif what == "share" and at is not None:
            self.set(self.state, "first", at)
        elif what == "none":
            self.set(self.state, "first", None)
        elif what == "queue":
            self.get(self.state, "queue").append(9.5)
        elif what == "part":
            self.get(self.state, "part")["b"] = 1.5
        elif what == "free":
            free = self.get(self.state, "free")
            if isinstance(free, list) and free:
                free.append(5)


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def completed(one: Any, before: dict[int, tuple[Any, str]]) -> None:
    """Give the lines that changed their defaults, as a typed state has them."""
    if one is None:
        return
    completed(one.get("inner"), before)
    if id(one) in before and text(one) != before[id(one)][1]:
        for name, default in DEFAULTS.items():
            one.setdefault(name, copy.deepcopy(default))


def every_line(state: Any) -> list[Any]:
    found = [*state["lines"], *state["named"].values(), state["first"], state["pair"][0]]
    return [*found, *(one["inner"] for one in found if one and one.get("inner"))]


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_change_of_an_object_is_the_change_of_the_dict(name, data):
    kind, line = KINDS[name]
    given_text = text(data.draw(states(is_lax=name == "model")))
    state, plain = json.loads(given_text), json.loads(given_text)  # no part is in two places
    before = {id(one): (one, text(one)) for one in every_line(plain) if one is not None}

    record = StateRecord(kind)
    made = record.made(copy.deepcopy(state) if name == "dict" else state)
    sides = [Side(made, line, is_plain=False), Side(plain, dict, is_plain=True)]
    for what, where, value in data.draw(CHANGES):
        for side in sides:
            side.change(what, where, value)
    written = record.written(made)

    if name != "dict":
        for one in every_line(plain):
            completed(one, before)
    assert text(state) == given_text
    # Members that are new stand in the order of the class.
    assert json.dumps(written, sort_keys=True) == json.dumps(plain, sort_keys=True)
    for member, one in state.items():
        if text(plain[member]) == text(one):
            assert text(written[member]) == text(one)
    assert list(written) == list(state)
