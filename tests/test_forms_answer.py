"""Code asks a stub or a part of a plan, and does not tell its form apart.

Otherwise each new form is a branch in twenty modules (docs/design/0020-forms.md).
"""

import ast
import inspect
from collections import Counter
from pathlib import Path

import statebag
from statebag.format import blobs, form, stub
from statebag.format.form import Stub, Whole
from statebag.sealing import cut_value, cutting, kept, leaving, parts

SOURCE = Path(statebag.__file__).parent
MOST, MOST_FILES = 40, 8
ELSEWHERE = {"lint"}  # a `Part` of theirs is one of a shape


def classes_of(module):
    return {
        name
        for name, one in vars(module).items()
        if isinstance(one, type) and one.__module__ == module.__name__
    }


FORMS = set().union(*map(classes_of, (blobs, form, stub, parts, leaving, cut_value, kept, cutting)))
FORMS |= {"Member"}  # of a list that an index will have: three of these classes


def told_apart(tree):
    """The calls of isinstance, issubclass and type, and the patterns, that name a form."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            of = node.args[1:] if node.func.id in {"isinstance", "issubclass"} else ()
        elif isinstance(node, ast.MatchClass):
            of = (node.cls,)
        elif isinstance(node, ast.Compare) and any(map(is_type_call, ast.walk(node))):
            of = (node,)
        else:
            continue
        for one in of:
            named = {getattr(name, "id", getattr(name, "attr", "")) for name in ast.walk(one)}
            if named & FORMS:
                yield node


def is_type_call(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "type"


def test_forms_are_hardly_ever_told_apart():
    found = Counter()
    for file in sorted(SOURCE.rglob("*.py")):
        where = file.relative_to(SOURCE)
        if where.parts[0] not in ELSEWHERE:
            calls = list(told_apart(ast.parse(file.read_text("utf-8"))))
            found.update([str(where)] * len(calls))
    assert {"Stored", "Rest", "Cut", "Plain", "Entry", "Group"} <= FORMS
    assert sum(found.values()) <= MOST, found
    assert len(found) <= MOST_FILES, found


def test_what_tells_forms_apart_is_found():
    code = """
isinstance(one, Stored | Carried)
isinstance(one, (dict, Cut))
type(one) is stub.Rest
match one:
    case Plain(): pass
isinstance(one, dict)
"""
    assert len(list(told_apart(ast.parse(code)))) == 4


def test_what_a_plan_holds_is_frozen():
    for module in (parts, leaving, cut_value, kept, cutting):
        for name in classes_of(module):
            one = getattr(module, name)
            if hasattr(one, "__struct_config__"):
                assert one.__struct_config__.frozen, name


def unanswered(kind):
    """The questions that a form leaves to `Stub` and `Whole`, where no answer stands."""
    for name, _ in inspect.getmembers(kind):
        for base in (Whole, Stub):
            member = vars(base).get(name)
            code = member.fget if isinstance(member, property) else member
            if member is not None and inspect.isfunction(code):
                own = next(vars(one)[name] for one in kind.__mro__ if name in vars(one))
                if own is member and "raise NotImplementedError" in inspect.getsource(code):
                    yield name


def test_each_form_answers_what_is_asked_of_it():
    forms = [
        one
        for _, one in inspect.getmembers(stub, inspect.isclass)
        if issubclass(one, Stub) and one.__module__ == stub.__name__
    ]
    assert len(forms) >= 6
    for one in forms:  # data that looks like a stub has no value of its own, and stubs are no data
        assert set(unanswered(one)) == ({"whole"} if one.is_data else {"original"}), one
