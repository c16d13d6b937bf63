"""Check the values that a seal passes on unread.

A seal passes an `Unopened` on without reading its value. If its objects are in the scope of another
execution, the next reader is refused, or finds later that they were collected. If a client without
keys read the bag, a client that signs would sign an unverified value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import NotPermitted
from statebag.format.names import scope_of
from statebag.format.paths import render_path
from statebag.opening.walk import EVERYTHING, walk

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.signature import Signatures
    from statebag.format.unopened import Unopened
    from statebag.opening.opener import Confinement

__all__ = ["Admission"]


class Admission:
    """Checks the values that one seal passes on unread.

    Args:
        confinement: The scopes that the bag's readers may read; None if they are not known.
        signatures: The client's keys; each stub must already have a valid signature.
    """

    def __init__(
        self, confinement: Confinement | None = None, signatures: Signatures | None = None
    ) -> None:
        self._confinement = confinement
        self._checker = None
        if signatures is not None:
            allows = (lambda _: True) if confinement is None else confinement.allows
            self._checker = signatures.checker(allows)

    def check(self, value: Unopened, path: Path) -> None:
        """Refuse a value that may not be passed on.

        Args:
            value: The value, which is not read.
            path: Its path in the state.

        Raises:
            NotPermitted: Its objects are in a scope that the bag's readers may not read, or the
                client signs and its stub has no valid signature.
        """
        if self._confinement is None and self._checker is None:
            return
        # As if everything were opened: so each stub is checked, also one next to another stub.
        sites = walk(value, EVERYTHING, below=path, signatures=self._checker).sites
        if self._confinement is None:
            return
        for site in sites:
            whole = site.stub.whole
            names = [blob.at for blob in whole.blobs()] + [one.at for one in whole.read.reads]
            for name in names:
                if not self._confinement.allows(scope_of(name)):
                    raise NotPermitted(
                        "the value was not opened, and is stored in another scope, which readers "
                        "of this scope may not read",
                        path=render_path(site.path),
                        object_name=name,
                        hint=(
                            "Open the value before you seal it, so that it is written below this "
                            "scope; or add its scope to Policy.readable_scopes."
                        ),
                    )
