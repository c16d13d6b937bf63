"""The arrays that a bare definition itself says to be small."""

import pytest

from statebag.local.bounded_maps import bounded_items

BOUND = "statebag: at most 36 items"


def machine(**fields):
    processor = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "Comment": BOUND, "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "M", "States": {"M": state}}


@pytest.mark.parametrize(
    ("path", "control"),
    [
        ("$.items", ("$.items",)),
        ("$.state_data.items", ("$.state_data.items", "$.items")),
        ("$['a b'].c", ("$['a b'].c", "$.c")),
        ("$", ()),
        ("$.items[0]", ()),
        ("$.items[*].x", ()),
        ("$$.Execution.Input.items", ()),
        ("$kept.items", ()),
        ("$.items[", ()),
        (7, ()),
    ],
)
def test_each_end_of_a_definite_path_is_a_control_path(path, control):
    assert bounded_items(machine(ItemsPath=path)) == control


@pytest.mark.parametrize(
    ("items", "control"),
    [
        ("{% $states.input.items %}", ("$.items",)),
        ("{% $states.input.a.items %}", ("$.a.items", "$.items")),
        ("{% $append($states.input.a, $states.input.b) %}", ()),
        ("{% $kept %}", ()),
        ("{% ( %}", ()),
        ([1, 2], ()),
    ],
)
def test_the_same_in_jsonata(items, control):
    definition = machine(Items=items)
    assert bounded_items({**definition, "QueryLanguage": "JSONata"}) == control


def test_only_maps_whose_comment_bounds_their_items():
    assert bounded_items(machine(ItemsPath="$.items", Comment="at most 36 items")) == ()
    assert bounded_items(machine(ItemsPath="$.items", Comment="statebag: at most 9 bytes")) == ()


def test_a_map_in_a_map():
    inner = machine(ItemsPath="$.inner")
    outer = machine(ItemsPath="$.outer", ItemProcessor=inner)
    assert bounded_items(outer) == ("$.outer", "$.inner")
