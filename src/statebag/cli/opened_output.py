"""Write the output of a run to a file, opened or as the bag that the workflow returned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["opened_output", "shown_output", "write_output"]

# Bytes of a state that is opened to be shown. Chosen: a few hundred lines; reading it takes a few
# requests.
_SHOWN_BYTES = 50_000


def opened_output(output: Any, store: str, variables: Mapping[str, str]) -> Any:
    """Return the output of a run with all stubs in it opened.

    Args:
        output: What the execution returned.
        store: The address of the run's store.
        variables: The environment variables of its functions, which may hold keys and limits.

    Raises:
        StatebagError: It cannot be opened. The hint says how to get the bag itself.
    """
    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help
    from statebag.environment import policy_from_environment  # noqa: PLC0415 - as above
    from statebag.local.handler_environment import environment_filled  # noqa: PLC0415 - as above

    try:
        with environment_filled({"STATEBAG_STORE": store, **variables}):
            client = Statebag(
                variables.get("STATEBAG_STORE", store), policy=policy_from_environment()
            )
            return client.open(output)
    except StatebagError as error:
        told = "--bag writes the bag itself."
        error.hint = told if error.hint is None else f"{error.hint.rstrip('.')}. {told}"
        raise


def shown_output(output: Any, store: str, variables: Mapping[str, str]) -> Any:
    """Return what to show of an output: opened if it is small, otherwise as it is.

    Args:
        output: As for `opened_output`.
        store: As for `opened_output`.
        variables: As for `opened_output`.
    """
    from statebag.local.stubs import stub_places  # noqa: PLC0415 - kept out of --help

    sizes = [stub[KEY].get("size") for _, stub in stub_places(output)]
    total = sum(size if isinstance(size, int) else 0 for size in sizes)
    if not sizes or total > _SHOWN_BYTES:
        return output
    try:
        return opened_output(output, store, variables)
    except StatebagError:
        return output


def write_output(file: Path, output: Any) -> None:
    """Write a value as JSON, indented for people.

    Args:
        file: The file, which is replaced.
        output: Any JSON value, also with lone surrogates.
    """
    text = json.dumps(output, ensure_ascii=False, indent=2)
    file.write_text(text + "\n", encoding="utf-8", errors="surrogatepass")
