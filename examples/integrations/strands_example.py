"""An agent whose session writes what changed: pip install 'statebag[strands]'."""

from strands.session import SnapshotSessionManager

from statebag import Statebag
from statebag.integrations.strands import StatebagStorage


def session(session_id: str) -> SnapshotSessionManager:
    """Pass the result as `Agent(session_manager=...)`."""
    storage = StatebagStorage(Statebag("memory://strands-example"))
    return SnapshotSessionManager(session_id=session_id, storage=storage)
