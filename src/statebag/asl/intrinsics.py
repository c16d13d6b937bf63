"""The table of the intrinsic functions of JSONPath definitions: `States.Format` and others.

The source is the Developer Guide, "Intrinsic functions for JSONPath states in Step Functions". The
intrinsic functions of CloudFormation are in `statebag.asl.cloudformation`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from statebag.asl.quotas import RANGE_ITEMS

__all__ = ["INTRINSICS", "Intrinsic", "check_arguments"]

Looks = Literal["nothing", "value", "text", "everything"]

_LONGEST_NUMBER = 20  # characters of the longest integer of 64 bits: -9223372036854775808


class Intrinsic(NamedTuple):
    """The facts about a function that do not depend on its arguments.

    Attributes:
        name: Its name, with `States.` before it.
        least: The number of arguments that it needs.
        most: The number of arguments that it may have; None for any number.
        looks: What its result depends on. `nothing`: it passes its arguments on. `value`: on each
            argument, as far as its type and size go. `text`: on each argument as a text that
            people read. `everything`: on all that is in its arguments, however deep.
        short: Whether the result is always a number, a boolean or a short text.
        growth: How many bytes the result may have for each byte of the arguments: the function may
            add escapes, quotes and brackets.
        made: Bytes that the result has in addition.
    """

    name: str
    least: int
    most: int | None
    looks: Looks
    short: bool = False
    growth: int = 1
    made: int = 0

    def takes(self, count: int) -> bool:
        """Return whether a call may have this number of arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


INTRINSICS: dict[str, Intrinsic] = {
    one.name: one
    for one in (
        Intrinsic("States.Array", 0, None, "nothing"),
        Intrinsic("States.ArrayContains", 2, 2, "everything", short=True),
        Intrinsic("States.ArrayGetItem", 2, 2, "value"),
        Intrinsic("States.ArrayLength", 1, 1, "value", short=True),
        Intrinsic("States.ArrayPartition", 2, 2, "value", growth=2),
        Intrinsic("States.ArrayRange", 3, 3, "value", made=RANGE_ITEMS * _LONGEST_NUMBER),
        Intrinsic("States.ArrayUnique", 1, 1, "everything"),
        Intrinsic("States.Base64Decode", 1, 1, "value"),
        Intrinsic("States.Base64Encode", 1, 1, "everything", growth=2),
        Intrinsic("States.Format", 1, None, "text"),
        Intrinsic("States.Hash", 2, 2, "everything", short=True),
        Intrinsic("States.JsonMerge", 3, 3, "nothing"),
        Intrinsic("States.JsonToString", 1, 1, "nothing", growth=2),
        Intrinsic("States.MathAdd", 2, 2, "value", short=True),
        Intrinsic("States.MathRandom", 2, 3, "value", short=True),
        Intrinsic("States.StringSplit", 2, 2, "everything", growth=2),
        Intrinsic("States.StringToJson", 1, 1, "value"),
        Intrinsic("States.UUID", 0, 0, "value", short=True),
    )
}
"""All functions by name."""


def check_arguments(name: str, count: int) -> str | None:
    """Return what is wrong with a call of this name and number of arguments; None if nothing is."""
    known = INTRINSICS.get(name)
    if known is None:
        return f"there is no intrinsic function {name}"
    if known.takes(count):
        return None
    wanted = f"{known.least}"
    if known.most is None:
        wanted = f"at least {known.least}"
    elif known.most != known.least:
        wanted = f"{known.least} to {known.most}"
    plural = "" if wanted.endswith("1") else "s"
    return f"{name} takes {wanted} argument{plural}, not {count}"
