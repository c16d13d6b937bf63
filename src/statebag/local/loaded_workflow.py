"""A workflow that can run on this machine: a definition, and a handler for each function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.asl.template import DeclaredResource
    from statebag.local.execution import Handler
    from statebag.store.contract import Store

__all__ = ["Workflow"]


@dataclass(frozen=True, slots=True)
class Workflow:
    """What `statebag.local.run` runs: a definition, and a handler for each function.

    Attributes:
        name: The state machine's name.
        definition: Its definition, with all names resolved.
        functions: Handlers by function name.
        machines: Definitions of the template's other state machines that it starts, by name.
        region: The region of its ARNs.
        declared: The tables, queues, topics and buckets of the template.
        mirrors: The second stores that keep the objects of stores in these buckets, by their
            addresses.
        note: A note on how it was chosen; None if there is none.
        express: Whether its template makes it an Express machine.
    """

    name: str
    definition: dict[str, Any]
    functions: Mapping[str, Handler]
    machines: Mapping[str, dict[str, Any]]
    region: str
    declared: tuple[DeclaredResource, ...] = ()
    mirrors: Mapping[str, Store] = field(default_factory=dict)
    note: str | None = None
    express: bool = False
