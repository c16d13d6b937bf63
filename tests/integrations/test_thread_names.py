"""Any text has a name, no two have the same, and ids keep their order."""

from hypothesis import given
from hypothesis import strategies as st

from statebag.format.head_names import encode_label, head_name, version_name
from statebag.format.names import encode_scope
from statebag.integrations.thread_names import head_name_of, label_of, scope_of_thread

ODD = [
    "",
    ".",
    "..",
    "a/b",
    "**",
    "a*",
    "~x",
    "@heads",
    "\n",
    "\ud800",
    "ä" * 90,
    "x" * 5000,
    "%",
    "ns",
]
TEXTS = st.one_of(
    st.sampled_from(ODD), st.text(), st.text(st.sampled_from(":|-.a~%/é"), max_size=80)
)


@given(st.sets(TEXTS, min_size=2, max_size=4))
def test_each_text_has_a_name_of_its_own(texts):
    for name_of in (label_of, head_name_of, lambda text: scope_of_thread("langgraph", text)):
        assert len({name_of(text) for text in texts}) == len(texts)


@given(TEXTS)
def test_each_name_is_one_that_a_store_takes(text):
    scope, head, label = scope_of_thread("root", text), head_name_of(text), label_of(text)
    assert scope.count("/") == 1
    assert not scope.endswith("*")
    name = version_name(encode_scope(scope), encode_scope(head), "0" * 16, 1, label)
    parts = [*name.split("/"), *head_name(encode_scope(scope), encode_scope(head)).split("/")]
    assert max(len(part) for part in parts) <= 255
    assert encode_label(label)


def test_ids_are_their_own_labels():
    for text in ("1ef4f797-8335-6428-8001-8a1503f9b875", "7", "a:b"):
        assert label_of(text) == text
    assert head_name_of("") == "ns"
    assert head_name_of("child:1") == "ns.child:1"
    assert scope_of_thread("langgraph", "user 7") == "langgraph/user 7"


# Characters that no Unicode has, or only one that is newer than that of the oldest Python here.
NOT_IN_EVERY_PYTHON = ["\u0378", "\U0001fae9", "\U00016d40", "\U0003fffd"]


@given(st.text(st.sampled_from([*NOT_IN_EVERY_PYTHON, "é"]), min_size=1, max_size=9))
def test_a_name_does_not_depend_on_the_unicode_of_this_python(text):
    assert label_of(text) == text
    assert scope_of_thread("langgraph", text) == f"langgraph/{text}"
    assert label_of(f"{text}\u202e").startswith("~")
