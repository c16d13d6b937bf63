"""Decide whether a server is one of the hosts that are reached without a proxy."""

from __future__ import annotations

import ipaddress

__all__ = ["is_excluded"]

_AWS = "amazonaws.com"
_AWS_WORD = "amazonaws"  # other partitions have amazonaws.com.cn and amazonaws.eu


def is_excluded(entries: str, url: str | None) -> bool | None:
    """Return whether a server is excluded; None if only some of its hosts are.

    Args:
        entries: Hosts, domains, addresses and networks, separated by commas; `*` for all hosts.
        url: The server's address; None for any host of AWS, with any bucket and region in it.
    """
    host = _AWS if url is None else _host(url)
    for entry in (one.strip().lower() for one in entries.split(",")):
        domain = entry.lstrip(".")
        if not domain:
            continue
        if entry == "*" or host == domain or host.endswith(f".{domain}"):
            return True
        if _is_in_network(host, entry):
            return True
        if domain.endswith(f".{host}") or (url is None and _AWS_WORD in domain):
            return None
    return False


def _host(url: str) -> str:
    server = url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    if server.startswith("["):
        return server[1:].partition("]")[0]
    return server.partition(":")[0]


def _is_in_network(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
