"""What the actions' answers list of things that may be many, and what they take beside."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statebag.policy import Policy

__all__ = ["Limits", "limits_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Defaults of the actions; a setting of the same name in the policy counts instead.

    Attributes:
        max_payload_size_kb: The ceiling of `update_and_compress`, in KB of 1,024 bytes.
        chunk_results_kept: Chunk results in `distributed_chunk_summary`.
        failed_segments_kept: Failed chunks in `failed_segments`.
        merge_conflicts_kept: Conflicts in `merge_conflicts`.
        next_actions: Next actions beside the built-in ones.
        merge_rules: How conflicts are settled, as `field=rule`.
    """

    max_payload_size_kb: float = 200
    chunk_results_kept: int = 10
    failed_segments_kept: int = 5
    merge_conflicts_kept: int = 100
    next_actions: tuple[str, ...] = ()
    merge_rules: tuple[str, ...] = ()

    @property
    def rules(self) -> dict[str, Any]:
        """`merge_rules` by field."""
        pairs = (rule.partition("=") for rule in self.merge_rules)
        return {field.strip(): rule.strip() for field, _, rule in pairs}


def limits_of(policy: Policy) -> Limits:
    """The limits that a policy sets, with the defaults of all others."""
    names = [field.name for field in fields(Limits)]
    return Limits(**{name: getattr(policy, name) for name in names if hasattr(policy, name)})
