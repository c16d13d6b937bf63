"""What passes a seal unread: only what readers of the bag may read, and somebody vouched for.

A seal hands an `Unopened` on without a look at its value. Its stub may be of another execution's
scope: the next reader would be refused, or, later, find its objects collected. And a client that
signs would sign what it never verified, if a client without keys had read the bag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import NotPermitted
from statebag.format.names import scope_of
from statebag.format.paths import render_path
from statebag.opening.walk import Selection, walk

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.signature import Signatures
    from statebag.format.unopened import Unopened
    from statebag.opening.opener import Confinement

__all__ = ["Admission"]


class Admission:
    """Checks what passes one seal unread.

    Args:
        confinement: Which scopes the bag's readers may read; None where that is not known.
        signatures: What the client signs with; each stub must have a good signature already.
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
        """Refuse a value that may not pass.

        Args:
            value: It is not read.
            path: Where it stands in the state.

        Raises:
            NotPermitted: Its objects are of a scope that the bag's readers may not read, or its
                stub has no good signature and the client signs.
        """
        if self._confinement is None and self._checker is None:
            return
        # Looked at as if all were opened: so each stub in it is, also those beside another one.
        sites = walk(value, Selection(None), below=path, signatures=self._checker).sites
        if self._confinement is None:
            return
        for site in sites:
            whole = site.stub.whole
            names = [blob.at for blob in whole.blobs()] + [one.at for one in whole.read.reads]
            for name in names:
                if not self._confinement.allows(scope_of(name)):
                    raise NotPermitted(
                        "the value was not opened, and it is stored in another scope, which "
                        "readers of this one may not read",
                        path=render_path(site.path),
                        object_name=name,
                        hint="Open the value before you seal it: then it is written below this "
                        "scope. Or add its scope to Policy.readable_scopes.",
                    )
