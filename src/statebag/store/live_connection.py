"""Keep the connection of an object store, and replace it when it can no longer be used.

A fork, expired keys, a bucket in another region and a server that only botocore understands each
need a new connection. Requests go through this module, so a store's methods see none of that.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from obstore import exceptions as client

from statebag.environment import store_settings
from statebag.errors import StatebagError, StoreUnavailable
from statebag.process.forking import fork_safe_lock
from statebag.store import native_client
from statebag.store.aws_endpoint import has_fixed_credentials
from statebag.store.aws_settings import aws_sdk_is_installed
from statebag.store.bounded import within_deadline
from statebag.store.object_storage_client import Connection, by_sdk, connected, longest_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.store.companion import Companion
    from statebag.store.store_place import StorePlace
    from statebag.store.store_refusal import StoreRefusal

__all__ = ["LiveConnection"]

Answer = TypeVar("Answer")

# Held while a forked process makes its own client, so that no other thread sees half of it.
_renewing = fork_safe_lock()


class LiveConnection:
    """One store's connection in this process, or its stand-in after a fork.

    Args:
        place: The place of the store.
        options: As for `ObjectStorage`.

    Attributes:
        place: As given.
        options: As given.
        variables: The environment's `store_settings` when the store was made.
        connection: The current connection; None if a stand-in has replaced it. Other threads
            replace it, so a request reads it once.
        has_answered: Whether a request has succeeded, so that the bucket is known to exist.

    Raises:
        ConfigurationError: A setting is wrong, or there are no credentials.
    """

    def __init__(self, place: StorePlace, options: Mapping[str, str]) -> None:
        self.place, self.options = place, options
        # A later fork makes a client again, with the environment as it is now.
        self.variables = dict(store_settings(scheme=place.scheme))
        self._needs_sdk = False
        # One of the two, and for which process.
        self.connection: Connection | None = None
        self._remote: Companion | None = None
        self._pid = 0
        # Of a bucket of S3, where the server said that it is.
        self._region: str | None = None
        self._begin()
        # Only with fixed credentials is a call one request, which the client's timeout ends.
        is_fixed = place.scheme == "s3" and has_fixed_credentials(options, self.variables)
        self._at_most = longest_seconds(options) if is_fixed else None
        self.has_answered = False

    def remote(self) -> Companion | None:
        """Return the client's stand-in in a forked process; None if there is a client."""
        if self._pid != os.getpid():
            with _renewing:
                if self._pid != os.getpid():
                    self._begin()
        return self._remote

    def _begin(self) -> None:
        """Make a client for this process, or a stand-in for it."""
        connection, remote = None, None
        # The client reads the environment itself, so it must be what it was, and not for a moment:
        # other threads read it too. And what it needs has ended with a parent's requests.
        is_as_it_was = dict(store_settings(scheme=self.place.scheme)) == self.variables
        if native_client.is_lost() or not is_as_it_was:
            from statebag.store.companion import Companion  # noqa: PLC0415 (after a fork)

            remote = Companion(self.place.url, self.options, self.variables)
        else:
            connection = connected(
                self.place,
                self.options,
                self.variables,
                region=self._region,
                needs_sdk=self._needs_sdk,
            )
        self._remote, self.connection = remote, connection
        self._pid = os.getpid()

    def for_sdk(self) -> dict[str, Any]:
        """Return the settings with which botocore acts as the store's client."""
        connection = self.connection
        return {
            "options": self.options,
            "variables": self.variables,
            "region": connection and connection.region,
            "credentials": connection and connection.credentials,
        }

    def one_request(
        self, name: str | None, action: str, request: Callable[[Connection], Answer]
    ) -> Answer:
        """Send one request, which the client's own timeout limits too."""
        return self.request(name, action, request, at_most=self._at_most)

    def request(
        self,
        name: str | None,
        action: str,
        request: Callable[[Connection], Answer],
        *,
        at_most: float | None,
    ) -> Answer:
        """Call the client within the deadline, with the library's errors.

        The request is sent a second time if the reason for a refusal was removed: expired keys, a
        bucket in another region, a server that only botocore understands.

        Args:
            name: The object's name; None for a request about the whole store.
            action: What the request does, for a message: `read`, `write`, `list`.
            request: Sends it with the connection that it is given, and may be called twice.
            at_most: Seconds that it may take, if that is less than the deadline; None for no
                further bound.

        Raises:
            StatebagError: The library's error for what the client raised.
        """
        native_client.is_used()
        what = f"{self.place.url} did not {action} {'the object' if name else 'its objects'}"
        first = True
        while True:
            if (connection := self.connection) is None:
                # Another thread has just replaced it by a stand-in, which the next try uses.
                raise StoreUnavailable(
                    f"{what}: its settings have changed in the meantime", object_name=name
                )
            # Other clients begin their timeout again with every byte that comes.
            longest = None if connection.is_by_sdk else at_most
            try:
                answer = within_deadline(
                    partial(request, connection), what, at_most=longest, name=name
                )
            except StatebagError:
                raise
            except (client.BaseError, OSError, ValueError) as error:
                from statebag.store.store_refusal import refusal_of  # noqa: PLC0415 (of failures)

                refusal = refusal_of(error)
                try:
                    can_try_again = first and self._can_try_again(refusal, connection)
                except StatebagError as refused:  # an option stands in the way
                    raise refused from None
                if not can_try_again:
                    # Not chained: the client's text holds URLs and answers, perhaps secrets.
                    raise self._told(error, refusal, connection, name, action) from None
                first = False
            except BaseException as error:
                # The client's internal failures (a panic) are not an Exception.
                if isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime":
                    raise StoreUnavailable(
                        f"{what}: the client failed ({type(error).__name__})", object_name=name
                    ) from None
                raise
            else:
                self.has_answered = True
                return answer

    def _told(
        self,
        error: Exception,
        refusal: StoreRefusal,
        connection: Connection,
        name: str | None,
        action: str,
    ) -> StatebagError:
        """Return the library's error for one of the client's."""
        credentials = connection.credentials
        if refusal.is_without_keys and credentials is not None and credentials.failure:
            failure = credentials.failure
            return type(failure)(failure.message, object_name=name, hint=failure.hint)
        from statebag.store.object_storage_errors import (  # noqa: PLC0415 (of failures)
            is_about_signature,
            translated,
            unsigned_for_directory_bucket,
        )

        is_signed = connection.is_by_sdk
        if self.place.is_directory_bucket and is_about_signature(refusal) and not is_signed:
            return unsigned_for_directory_bucket(self.place.url, name)
        return translated(error, refusal, self.place.url, name, action)

    def _can_try_again(self, refusal: StoreRefusal, connection: Connection) -> bool:
        """Return whether to try again: with new keys, in another region or by botocore.

        Raises:
            ConfigurationError: Only botocore can send the request, and it has no counterpart of an
                option.
        """
        from statebag.store.object_storage_errors import is_about_keys  # noqa: PLC0415 (of failures)

        region = connection.region
        is_stale = is_about_keys(refusal) and connection.credentials is not None
        is_elsewhere = region is not None and (refusal.is_redirect or refusal.region is not None)
        # botocore needs fewer headers.
        is_odd = (
            refusal.lacks == "Content-Length"
            and self.place.scheme == "s3"
            and not connection.is_by_sdk
            and aws_sdk_is_installed()
        )
        if not (is_stale or is_elsewhere or is_odd):
            return False
        with _renewing:
            if self.connection is not connection:
                return True  # another thread has done it
            if is_odd:
                by_sdk(  # before anything changes
                    self.place,
                    self.options,
                    self.variables,
                    region=region,
                    credentials=connection.credentials,
                )
                self._needs_sdk = True
            if not is_stale and not is_odd:
                from statebag.store.bucket_region import found_region  # noqa: PLC0415 (rarely needed)

                self._region = found_region(
                    self.place, self.options, self.variables, connection, told=refusal.region
                )
                if self._region in {None, region}:
                    return False
            # The client keeps keys for a moment, so it is made again, with who gives them.
            self._begin()
        return self._remote is None
