"""The hash algorithms that a definition can name, with their names in `hashlib`.

The source is the Developer Guide, "Intrinsic functions for JSONPath states in Step Functions"; the
functions for JSONata states take the same ones. Nothing is imported here: a process that is started
without the package (`local/expression_worker.py`) reads this file by its path.
"""

__all__ = ["HASH_NAMES"]

HASH_NAMES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
"""Names for `hashlib.new`, by the names of definitions."""
