"""Tools that read signatures and types find them: pydantic, FastAPI, and those that make pages."""

import importlib
import inspect
import pkgutil
import typing

import pytest

import statebag
from statebag import ConfigurationError, integrations

FRONTS = [
    "statebag",
    "statebag.errors",
    "statebag.history",
    "statebag.lint",
    "statebag.local",
    "statebag.manager",
    "statebag.policy",
    "statebag.sinks",
    "statebag.stepfunctions",
    "statebag.store",
    "statebag.testing",
    "statebag.upkeep",
    "statebag.values",
    "statebag.versions",
    *(f"statebag.integrations.{one.name}" for one in pkgutil.iter_modules(integrations.__path__)),
]


def public(module):
    """The functions, classes and methods that a module offers, each with its name."""
    for name in getattr(module, "__all__", ()):
        one = getattr(module, name)
        if inspect.isclass(one):
            yield name, one
            for method in dir(one):
                ours = getattr(inspect.getattr_static(one, method), "__module__", "") or ""
                called = not method.startswith("_") or method in {"__init__", "__call__"}
                if called and ours.startswith("statebag") and callable(getattr(one, method)):
                    yield f"{name}.{method}", getattr(one, method)
        elif inspect.isfunction(one):
            yield name, one


@pytest.mark.parametrize("front", FRONTS)
def test_each_signature_and_each_type_is_found(front):
    try:
        offered = list(public(importlib.import_module(front)))
    except (ConfigurationError, ImportError) as error:  # an extra is missing
        pytest.skip(str(error))
    wrong = []
    for name, one in offered:
        for look in (inspect.signature, typing.get_type_hints):
            try:
                look(one)
            except NameError as error:
                wrong.append((look.__name__, name, str(error)))
    assert wrong == []


def test_it_would_see_a_name_that_is_not_there():
    def unknown(one: "NotThere"):  # noqa: F821
        pass

    with pytest.raises(NameError):
        typing.get_type_hints(unknown)
    names = dict(public(statebag))
    assert {"Statebag", "Statebag.seal", "Statebag.__init__", "Statebag.aseal"} <= set(names)
    assert "state" in typing.get_type_hints(names["Statebag.seal"])


def test_pydantic_checks_the_arguments_of_a_call():
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")
    sb = statebag.Statebag("memory://annotations")
    seal = pydantic.validate_call(sb.seal)
    assert sb.open(seal({"a": 1}, scope="one"), scope="one") == {"a": 1}
    with pytest.raises(pydantic.ValidationError):
        seal({"a": 1}, scope=["one"])
