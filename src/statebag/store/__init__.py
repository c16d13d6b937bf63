"""Where packs live: the contract, the backends, retries and the cache."""
