"""The settings of the function that calls AWS APIs."""

from __future__ import annotations

import msgspec

from statebag.environment import settings_from_environment
from statebag.policy import check_lists

__all__ = ["SdkSettings", "sdk_settings"]


class SdkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that the function may make, as far as its role allows them.

    Attributes:
        sdk_calls: `service:action`, or `service:prefix*` (STATEBAG_SDK_CALLS); none by default.

    Raises:
        ConfigurationError: A value is of the wrong type.
    """

    sdk_calls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_lists(self, ("sdk_calls",))


def sdk_settings() -> SdkSettings:
    """Return the settings that the environment asks for."""
    return settings_from_environment(SdkSettings)
