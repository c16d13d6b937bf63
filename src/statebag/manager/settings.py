"""The settings of the state data manager, in addition to those of the policy."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import msgspec

from statebag.environment import encryption_keys_from_environment, settings_from_environment
from statebag.errors import ConfigurationError
from statebag.manager.statuses import Statuses
from statebag.policy import Policy, check_lists, check_numbers

__all__ = ["ManagerSettings", "manager_settings"]


class ManagerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Set the form that the actions write, and the length of lists in their answers.

    Attributes:
        wire: The form that the actions write (STATEBAG_WIRE): 1 for stubs, or 0 for legacy
            pointers. They read both.
        max_payload_size_kb: The ceiling of `update_and_compress`, in KB of 1,024 bytes.
        chunk_results_kept: Chunk results in the bag's `distributed_chunk_summary`.
        failed_segments_kept: Failed chunks in the bag's `failed_segments`.
        merge_conflicts_kept: Conflicts of joined branches in `merge_conflicts`.
        next_actions: Next actions in addition to the built-in ones.
        statuses: Statuses in addition to the built-in ones, as `NAME=class` or `NAME=STATUS`.
        merge_rules: Rules for conflicts of joined branches, as `field=rule`.

    Raises:
        ConfigurationError: A value is of the wrong type or out of its range.
    """

    wire: int = 1
    max_payload_size_kb: int = 200
    chunk_results_kept: int = 10
    failed_segments_kept: int = 5
    merge_conflicts_kept: int = 100
    next_actions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    merge_rules: tuple[str, ...] = ()

    _LEAST: ClassVar[dict[str, float]] = {
        "wire": 0,
        "max_payload_size_kb": 1,
        "chunk_results_kept": 0,
        "failed_segments_kept": 0,
        "merge_conflicts_kept": 0,
    }

    def __post_init__(self) -> None:
        check_numbers(self, self._LEAST)
        if self.wire not in {0, 1}:
            raise ConfigurationError(
                f"ManagerSettings.wire must be 0 or 1, not {self.wire}",
                hint="Set STATEBAG_WIRE to 0 while older functions read the state, else unset it.",
            )
        check_lists(self, ("next_actions", "statuses", "merge_rules"))
        _ = self.table  # refuses a status without a class

    @property
    def table(self) -> Statuses:
        """The table of statuses, with `statuses` and `next_actions` in it."""
        return _table(self.statuses, self.next_actions)

    @property
    def rules(self) -> dict[str, str]:
        """`merge_rules` by field."""
        pairs = (rule.partition("=") for rule in self.merge_rules)
        return {field.strip(): rule.strip() for field, _, rule in pairs}


@lru_cache(maxsize=8)  # settings are read for each event; a process has few different ones
def _table(statuses: tuple[str, ...], next_actions: tuple[str, ...]) -> Statuses:
    return Statuses(statuses, next_actions)


def manager_settings() -> ManagerSettings:
    """Return the manager's settings from the environment.

    Raises:
        ConfigurationError: A variable has a wrong value. Or legacy pointers are to be written, but
            there are encryption keys, or signatures are required: neither is possible with them.
    """
    settings = settings_from_environment(ManagerSettings)
    if settings.wire == 0 and settings_from_environment(Policy).require_signatures:
        raise ConfigurationError(
            "STATEBAG_WIRE=0 writes legacy pointers, which cannot be signed, and "
            "STATEBAG_REQUIRE_SIGNATURES is set",
            hint="Unset STATEBAG_WIRE, or unset STATEBAG_REQUIRE_SIGNATURES.",
        )
    if settings.wire == 0 and encryption_keys_from_environment():
        raise ConfigurationError(
            "STATEBAG_WIRE=0 writes legacy pointers, whose objects are not encrypted, and "
            "STATEBAG_ENCRYPTION_KEYS is set",
            hint="Unset STATEBAG_WIRE, or unset STATEBAG_ENCRYPTION_KEYS.",
        )
    return settings
