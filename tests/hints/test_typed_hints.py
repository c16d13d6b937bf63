"""The hints about typed states, wrong arguments of decorators, and templates that are not there."""

import dataclasses
import shutil

import pydantic
import pytest

import statebag
from statebag import Statebag
from statebag.cli.asked_values import asked_values
from statebag.cli.workflow_facts import found_template
from statebag.format.paths import parse_paths
from statebag.stepfunctions.workflows import Asked
from statebag.store.memory import MemoryStore
from statebag.store.store_place import StorePlace
from statebag.values import Values
from tests.hints.trial import Trial, check_trial
from tests.values.kinds import Point


@dataclasses.dataclass
class Inner:
    items: list
    count: int = 0


@dataclasses.dataclass
class Order:
    inner: Inner


@dataclasses.dataclass
class Odd:
    inner: list | set


class Model(pydantic.BaseModel):
    inner: Inner


LARGE = {"execution_id": "m/e", "inner": {"items": ["x" * 90_000], "count": 1}}


def stepped(kind, only):
    sb = Statebag(MemoryStore())
    bag = sb.seal(LARGE, scope="m/e")

    @sb.step(state=kind, only=only)
    def handler(state, context):
        del context
        return state

    return handler(bag, None)


def typed(kind):
    @statebag.step(state=kind)
    def handler(state, context):
        del context
        return state

    return handler


def partly(kind, only):
    values = Values(Inner, Order)
    sb = Statebag(MemoryStore(), values=values)
    bag = sb.seal({"o": Order(Inner(["x" * 90_000]))}, scope="m/e")
    return len(str(sb.open(bag, only=only, scope="m/e")["o"].inner.items))


def repeated(times):
    value = [0]
    for _ in range(times):
        value = [value, value]
    return Statebag(MemoryStore()).seal({"a": value}, scope="m/e")


def files(world, *names):
    folder = world.folder / "app"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names:
        (folder / name).write_text("{}")
    return folder


def asked(state, path):
    return asked_values(state, parse_paths([path]))


TRIALS = (
    Trial(
        "Add this path to only=, or take the field out of the type.",
        lambda _: stepped(Model, ["$.execution_id"]),
        lambda _: stepped(Model, ["$.inner"]),
    ),
    Trial(
        "Use types that msgspec converts (https://jcristharif.com/msgspec), or a pydantic model.",
        lambda _: stepped(Odd, None),
        lambda _: stepped(Order, None),
    ),
    Trial(
        "Set AWS_REGION, or pass client=.",
        lambda world: (
            world.unset("AWS_REGION"),
            world.unset("AWS_DEFAULT_REGION"),
            Asked(None, None),
        ),
        lambda world: (world.setenv("AWS_DEFAULT_REGION", "eu-west-1"), Asked(None, None)),
    ),
    Trial(
        "Add its path to only=, or open the whole bag.",
        lambda _: partly(Order, ["$.zzz"]),
        lambda _: partly(Order, None),
    ),
    Trial(
        "Pass the class itself: state=Order.",
        lambda _: typed(Order(Inner([]))),
        lambda _: typed(Order),
    ),
    Trial(
        "Write @statebag.step, or @statebag.step(only=[...]) with names.",
        lambda _: statebag.step(5),
        lambda _: (statebag.step(len), statebag.step(only=["$.a"])(len)),
    ),
    Trial(
        "Write values=Values(YourClass).",
        lambda _: Statebag(MemoryStore(), values=Point),
        lambda _: Statebag(MemoryStore(), values=Values(Point)),
    ),
    Trial(
        "Store a part that is in many places once, and refer to it by a name.",
        lambda _: repeated(60),
        lambda _: Statebag(MemoryStore()).seal({"parts": {"p": [0]}, "a": ["p"]}, scope="m/e"),
    ),
    Trial(
        "Use an access point of S3 itself, or a bucket.",
        lambda _: StorePlace.parse("s3://name-123456789012--op-s3/prefix"),
        lambda _: StorePlace.parse("s3://name-123456789012-s3alias/prefix"),
    ),
    Trial(
        "Name the template or the definition: statebag init FILE.",
        lambda world: found_template(files(world)),
        lambda world: found_template(files(world, "template.yaml")),
    ),
    Trial(
        "Name one of them: statebag init {}.",
        lambda world: found_template(files(world, "a.asl.json", "b.asl.json")),
        lambda world: found_template(files(world, "a.asl.json")),
    ),
    Trial(
        "{} hint or '`statebag inspect` shows the names.'",
        lambda _: asked({"a": 1}, "$.zzz"),
        lambda _: asked({"a": 1}, "$.a"),
        "`statebag inspect` shows the names.",
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint[:60])
def test_a_hint_is_given_and_helps(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
