"""Sessions of the Claude Agent SDK, mirrored into a store: pip install 'statebag[claude]'."""

from claude_agent_sdk import ClaudeAgentOptions

from statebag import Statebag
from statebag.integrations.claude import StatebagSessionStore

STORE = StatebagSessionStore(Statebag("memory://claude-example"))

# Pass it to query(...) or ClaudeSDKClient(...).
OPTIONS = ClaudeAgentOptions(session_store=STORE)
