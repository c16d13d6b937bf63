"""States for property tests: everything that JSON can hold, and what looks like our own forms."""

from hypothesis import strategies as st

from statebag.format.stub import KEY

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
LONG_TEXT = st.builds(
    lambda piece, times: piece * times,
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    st.integers(50, 900),
)
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(-(2**54), 2**54),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, 1, 2**53, 2**53 + 1, -(2**53) - 1, 1e16, 1e22, 5e-324, 0.1]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
KEYS = st.one_of(
    TEXT,
    st.sampled_from(
        [
            KEY,
            "execution_id",
            "status",
            "next_action",
            "loop_counter",
            "state_history",
            "v",
            "at",
            "",
            "$",
            "a.b",
        ]
    ),
)
LOOKALIKES = st.sampled_from(
    [
        {KEY: 1},
        {KEY: {"v": 1, "escaped": {KEY: {"v": 1}}}},
        {
            KEY: {
                "v": 1,
                "sha256": "0" * 64,
                "size": 3,
                "at": "m/e/" + "0" * 32 + ".pack",
                "span": [8, 9],
            }
        },
        {KEY: {"v": 2}},
        {KEY: {"v": 1, "rest": True, "beside": []}, "x": 1},
        {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "data": "KLUv/QQA"}, "more": [1]},
        {"type": "s3_reference", "s3_path": "s3://bucket/key"},
    ]
)


# Repeated only at the leaves: repeats of repeats grow without bound.
_REPEATED = st.one_of(SCALARS, LONG_TEXT, LOOKALIKES)


def _containers(inner):
    return st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(KEYS, inner, max_size=6),
        st.builds(lambda item, times: [item] * times, _REPEATED, st.integers(0, 60)),
        st.builds(lambda inner: {KEY: inner}, inner),
    )


VALUES = st.recursive(st.one_of(SCALARS, LONG_TEXT, LOOKALIKES), _containers, max_leaves=25)
ENTRIES = st.lists(
    st.fixed_dictionaries({"n": st.integers(0, 10**6), "text": st.one_of(TEXT, LONG_TEXT)}),
    max_size=40,
)
STATES = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=12),
    st.fixed_dictionaries(
        {"status": TEXT, "state_history": ENTRIES, "current_state": st.dictionaries(KEYS, VALUES)},
        optional={"execution_id": TEXT, "extra": VALUES, "big": LONG_TEXT},
    ),
)
