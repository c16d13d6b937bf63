"""Decide from the proxy variables how a server is reached, as boto3 does.

The storage client reads these variables too, but for it other names win (capital letters,
`ALL_PROXY`), and entries of `NO_PROXY` mean other hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["proxy_settings"]

_BY_SCHEME = ("http", "https")


def proxy_settings(url: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the client's proxy options for a server; empty if no variable applies to it.

    Args:
        url: The server's address.
        variables: The current environment's `store_settings`.
    """
    if not any(name.lower().endswith("_proxy") and value for name, value in variables.items()):
        return {}
    import urllib.request  # noqa: PLC0415 (slow, and few environments need it)

    ways: Any = urllib.request  # typeshed knows one of the two functions on some systems alone
    proxies = ways.getproxies_environment()
    scheme, _, rest = url.partition("://")
    server = rest.partition("/")[0]
    proxy = proxies.get(scheme.lower())
    # An entry with a slash is a network to the client, and a name that no host has to boto3. One
    # with a port would be no host to the client.
    entries = [entry.strip().lstrip(".") for entry in proxies.get("no", "").split(",")]
    excluded = [entry for entry in entries if entry and not set(entry) & set("/*:")]
    if proxy is None or ways.proxy_bypass_environment(server, proxies):
        # The client wants a proxy to exclude a server from it; it is the one for other servers.
        proxy = next(filter(None, map(proxies.get, _BY_SCHEME)), None)
        if proxy is None or "*" in entries:
            excluded.append("*")
        excluded.append(_host(server))
    if proxy is None:
        proxy = "http://localhost"  # not used: all servers are excluded
    return {
        "proxy_url": proxy if "://" in proxy else f"http://{proxy}",
        "proxy_excludes": ",".join(excluded),
    }


def _host(server: str) -> str:
    """Return a server without its port, and without the brackets of IPv6."""
    if server.startswith("["):
        return server[1:].partition("]")[0]
    return server.rpartition("@")[2].partition(":")[0]
