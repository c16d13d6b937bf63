"""Stores for packs: the contract, the backends, retries and the cache."""
