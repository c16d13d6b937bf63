"""Find the Lambda functions that a definition names, and bind each to a handler.

A Task names one as its `Resource`, or as the `FunctionName` of `lambda:invoke` (Amazon States
Language; Step Functions developer guide, "Invoke Lambda"). This module ignores names that the
definition computes at run time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.asl.arns import function_arn, function_name
from statebag.asl.documents import PLACEHOLDER
from statebag.asl.model import Definition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["FunctionReference", "Names", "bind_references", "function_references"]

_INVOKE = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:(aws-sdk:)?lambda:invoke(\.\w+)?(:\d+)?")
_ANY_ARN = re.compile(r"(?:arn:[^:]+:lambda:[^:]*:)?[^:]*:?function:(?P<name>[^:]+)(?::[^:]*)?")


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """One place in a definition that names a function.

    Attributes:
        state: The name of the Task.
        holder: The object of the definition that holds the name.
        key: Its key there.
    """

    state: str
    holder: dict[str, Any]
    key: str

    @property
    def text(self) -> str:
        """The text there."""
        return str(self.holder[self.key])


@dataclass(frozen=True, slots=True)
class Names:
    """The result of binding a definition's references.

    Attributes:
        functions: The named functions, each with the given name that it was bound to; None if it
            needed no binding.
        unbound: Names without a handler, in order of appearance.
        dynamic: Whether a Task computes the name of its function.
    """

    functions: dict[str, str | None]
    unbound: tuple[str, ...]
    dynamic: bool


def function_references(definition: dict[str, Any]) -> tuple[list[FunctionReference], bool]:
    """Return all places that name a function, and whether a name is computed anywhere."""
    found = []
    dynamic = False
    for one in Definition(definition).states.values():
        name, state = one.name, one.fields
        if one.kind != "Task" or not isinstance(state.get("Resource"), str):
            continue
        resource = state["Resource"]
        if _INVOKE.fullmatch(resource):
            for field in ("Parameters", "Arguments"):
                holder = state.get(field)
                if isinstance(holder, str) or (isinstance(holder, dict) and _computed(holder)):
                    dynamic = True
                elif isinstance(holder, dict) and isinstance(holder.get("FunctionName"), str):
                    found.append(FunctionReference(name, holder, "FunctionName"))
        elif ":states:" not in resource:
            found.append(FunctionReference(name, state, "Resource"))
    return found, dynamic


def _computed(holder: dict[str, Any]) -> bool:
    return "FunctionName.$" in holder or str(holder.get("FunctionName")).startswith("{%")


def bind_references(
    definitions: Iterable[dict[str, Any]],
    known: Collection[str],
    given: Collection[str],
    region: str,
) -> Names:
    """Decide which function each reference means, and rewrite the definitions in place.

    A reference is a function's name, its ARN, or a text with a placeholder such as `${JudgeArn}`.
    `given` may have any of these. A bound placeholder becomes a function of that name.

    Args:
        definitions: Definitions of state machines.
        known: Names of the template's functions, which need no binding.
        given: Names with a handler.
        region: The region of ARNs that are written into the definition.
    """
    found = [function_references(definition) for definition in definitions]
    dynamic = any(computed for _, computed in found)
    functions: dict[str, str | None] = {}
    unbound: dict[str, None] = {}
    for reference in (reference for references, _ in found for reference in references):
        text = reference.text
        placeholder = PLACEHOLDER.search(text)
        if placeholder is not None:
            chosen = _given(given, placeholder[1], placeholder[1].removesuffix(".Arn"), text)
            if chosen is None:
                unbound[placeholder[1]] = None
                continue
            name = _function_name_of(placeholder[1])
        else:
            name = _name_in(text)
            chosen = _given(given, text, name)
            if chosen is None and name not in known:
                unbound[name] = None
                continue
        functions[name] = chosen
        # A Resource must be an ARN; the ones in samples have `REGION` and `ACCOUNT_ID` in them.
        must_be_arn = reference.key == "Resource" and not text.startswith("arn:")
        if function_name(text) is None or must_be_arn:
            reference.holder[reference.key] = function_arn(name, region)
    return Names(functions, tuple(unbound), dynamic)


def _given(given: Collection[str], *names: str) -> str | None:
    return next((name for name in names if name in given), None)


def _name_in(text: str) -> str:
    found = _ANY_ARN.fullmatch(text)
    return found["name"] if found else text.partition(":")[0]


def _function_name_of(placeholder: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", placeholder.removesuffix(".Arn"))
