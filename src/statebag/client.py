"""`Statebag`: seal, open and append, each with a few calls into lower rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Self

import msgspec

from statebag.async_calls import AsyncCalls
from statebag.environment import (
    encryption_keys_from_environment,
    policy_from_environment,
    replica_addresses,
    sealing_is_off,
    signing_keys_from_environment,
    store_address,
)
from statebag.errors import ConfigurationError
from statebag.format.bag_text import as_bag
from statebag.format.names import encode_scope
from statebag.format.paths import parse_path, parse_paths
from statebag.keys import check_previews, encrypting_with, signing_with
from statebag.opening.array_ends import places_in
from statebag.opening.fetch import Fetcher
from statebag.opening.opener import Confinement, Opener
from statebag.opening.process_memory import Memory, memory_of
from statebag.opening.walk import EVERYTHING, Selection
from statebag.policy import Policy, with_more_control
from statebag.read_calls import ReadCalls
from statebag.step import StepDecorator
from statebag.store.address import store_of
from statebag.store.contract import Store
from statebag.store.identity import identity_of
from statebag.store.recovery import Recovery
from statebag.store.retrying import RetryingStore, deadline
from statebag.telemetry import usage
from statebag.telemetry.steps import span
from statebag.telemetry.stub_aware import reads_stubs
from statebag.upkeep_calls import UpkeepCalls

if TYPE_CHECKING:
    from statebag.sealing.sealer import Sealer
    from statebag.store.encrypted import KeyProvider
    from statebag.values import Values
    from statebag.versions.heads import Heads
else:  # they are loaded when they are used; tools that evaluate annotations find the names
    Heads = KeyProvider = Values = Any

__all__ = ["Statebag"]


class Statebag(AsyncCalls, ReadCalls, UpkeepCalls):
    """Seal states into bags and open them again.

    Args:
        store: An address (`s3://bucket/prefix`, `gs://`, `az://`, `file:///dir`, a folder,
            `memory://name`), a folder's `Path`, or a store; by default what STATEBAG_STORE names,
            else a local folder.
        policy: Limits and thresholds; by default those of the environment.
        options: Further settings of an object storage client, by their names there.
        replicas: Stores that are read if the first one lacks an object or has a damaged one; by
            default those of STATEBAG_REPLICAS.
        signing_keys: Keys by name; by default those of STATEBAG_SIGNING_KEYS. The first one signs
            every stub, and only stubs signed with one of them are opened. An empty mapping signs
            nothing.
        encryption_keys: Keys of 32 bytes, or a function that returns them; by default those of
            STATEBAG_ENCRYPTION_KEYS. The first one encrypts objects before they leave this process,
            and each of them decrypts. An empty list encrypts nothing.
        values: Types beyond those of JSON that states may hold, and that an open returns; all
            clients of a bag need the same ones.

    Attributes:
        policy: As given.
        values: As given.
        store: The store, with its retries.
        recovery: Where to look for objects that the store lacks or has damaged.

    Raises:
        ConfigurationError: The address or a setting is wrong.
    """

    def __init__(
        self,
        store: str | PathLike[str] | Store | None = None,
        *,
        policy: Policy | None = None,
        options: Mapping[str, str] | None = None,
        replicas: Iterable[str | PathLike[str] | Store] | None = None,
        signing_keys: Mapping[str, bytes] | None = None,
        encryption_keys: KeyProvider | None = None,
        values: Values | None = None,
    ) -> None:
        from statebag.format.arguments import check_iterable, check_kind

        self.values = _checked_values(values)
        if policy is not None:
            check_kind("policy", policy, Policy, "a Policy")
        self.policy = policy_from_environment() if policy is None else policy
        given: Any = store_address() if store is None else store
        if replicas is None:
            replicas = replica_addresses()
        else:
            replicas = tuple(check_iterable("replicas", replicas, "a list of stores"))
        store = store_of(given, options=options)
        encrypting = encrypting_with(encryption_keys, self.policy)
        self.store = RetryingStore(
            encrypting(store),
            attempts=self.policy.attempts,
            # The rest of the time is for the replicas.
            share_of_reads=0.5 if replicas else 1.0,
        )
        self.recovery = Recovery(
            self.store,
            replicas,
            self.policy.attempts,
            encrypting,
        )
        check_previews(self.policy, self.store)
        self._granted: tuple[str, ...] = ()
        self._signatures = signing_with(signing_keys, self.policy)
        self._identity = identity_of(self.store)
        self._given = given
        self._settings = {
            "policy": self.policy,
            "options": options,
            "replicas": replicas,
            "signing_keys": signing_keys,
            "encryption_keys": encryption_keys,
            "values": values,
        }
        # Record it now: the environment may differ when this is pickled.
        self._signing_found = (
            () if signing_keys is not None else tuple(signing_keys_from_environment().values())
        )
        self._encryption_found = (
            () if encryption_keys is not None else encryption_keys_from_environment()
        )

    def __repr__(self) -> str:
        return f"Statebag({self.store.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings; the restored client has its own connections and memory."""
        from statebag.pickling import pickled

        return pickled(
            type(self),
            self._given,
            self._settings,
            self._signing_found,
            self._encryption_found,
        )

    def with_control(self, *paths: str) -> Self:
        """Return this client with more control paths; both share the store and the memory.

        Args:
            paths: Paths that an engine or a router reads, in addition to those of `policy.control`:
                they stay plain in every bag that it seals.

        Raises:
            ConfigurationError: One is not a path, or leads to the whole state.
        """
        if not all(isinstance(path, str) for path in paths):
            from statebag.format.arguments import check_each_text

            check_each_text("paths", paths)
        return self.with_policy(with_more_control(self.policy, paths))

    def with_policy(self, policy: Policy) -> Self:
        """Return this client with another policy; both share the store and its retries.

        Args:
            policy: The policy; `attempts`, `require_signatures` and `require_encryption` stay those
                with which the client was made.

        Raises:
            ConfigurationError: It is not a policy.
        """
        if type(policy) is not Policy:
            from statebag.format.arguments import check_kind

            check_kind("policy", policy, Policy, "a Policy")
        if policy is self.policy:
            return self
        kept = {name: getattr(self.policy, name) for name in ("attempts", *policy.PROTECTIONS)}
        if any(getattr(policy, name) != one for name, one in kept.items()):
            policy = msgspec.structs.replace(policy, **kept)
        if policy.preview_bytes:
            check_previews(policy, self.store)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.policy = policy
        other._settings = {**self._settings, "policy": policy}
        return other

    def with_readable(self, *scopes: str) -> Self:
        """Return this client with more readable scopes; both share the store and the memory.

        A seal of this client refers to what is stored in these scopes, and does not write it again.

        Args:
            scopes: Scopes whose objects outlive the bags that it seals, such as those that a head
                was forked from.

        Raises:
            ConfigurationError: One is not a text, or ends in `**`.
            InvalidState: One is not a scope.
        """
        from statebag.format.arguments import check_each_text

        check_each_text("scopes", scopes)
        trees = [one for one in scopes if one.endswith("/**")]
        if trees:
            raise ConfigurationError(
                f"readable must be scopes, not all scopes below one ({trees[0]})",
                hint="Policy.readable_scopes takes those.",
            )
        granted = tuple(dict.fromkeys([*self._granted, *map(encode_scope, scopes)]))
        readable = tuple(dict.fromkeys([*self.policy.readable_scopes, *scopes]))
        other = self.with_policy(msgspec.structs.replace(self.policy, readable_scopes=readable))
        other._granted = granted  # noqa: SLF001 (its own)
        return other

    def heads(self, scope: str) -> Heads:
        """Return the named heads of a scope: each points to the newest of several bags.

        Args:
            scope: Such as `agents/thread-7`.

        Raises:
            ConfigurationError: The store has no conditional writes.
            InvalidState: The scope is empty or malformed.
        """
        from statebag.versions.heads import Heads

        return Heads(self, scope)

    def with_values(self, values: Values | None) -> Self:
        """Return this client with other types beyond JSON; both share the store and the memory.

        Raises:
            ConfigurationError: It is not `Values`.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.values = _checked_values(values)
        other._settings = {**self._settings, "values": values}
        return other

    @property
    def signs(self) -> bool:
        """Return whether this client signs stubs, and opens only stubs that its keys signed."""
        return self._signatures is not None

    def seal(
        self,
        state: Any,
        scope: str | None = None,
        parent: Any = None,
        budget: int | None = None,
        *,
        heal: bool = False,
        append: Mapping[str, Iterable[Any]] | None = None,
        default: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return the bag of a state, once everything that it refers to is stored.

        Args:
            state: Any JSON value, usually a dict; `Unopened` values in it pass through unread. With
                `values=`, also a value of its types.
            scope: `<state machine>/<execution name>`: where new objects go.
            parent: The bag that the state came from; it gives the scope if `scope` is None. Values
                that have not changed since are not written again, even by a process that did not
                open it. Such a process reads the index of the parent, and the changed chunks of
                values that changed a little. It compares unchanged values with the store once, as
                far as a bounded read allows (docs/reliability.md). A value that this process opened
                or sealed needs no parent.
            budget: The bag's bound in bytes, instead of the policy's.
            heal: Write everything, even values that are stored already. Objects to which a bag's
                text in a string refers are not written, and a warning is logged: `repair` with
                `embedded=True` writes those again.
            append: Items to append to arrays, by path. An unopened array is not read, and `state`
                is not changed.
            default: Called with each value for which neither JSON nor `values` has a form. It
                returns what to seal instead (`default=str`: its text), or raises TypeError. An open
                returns the replacement.

        Returns:
            A new JSON value of at most `budget` bytes.

        Raises:
            InvalidState: The state holds a value that JSON cannot hold.
            BagTooLarge: The control fields alone exceed the bound.
            StoreUnavailable, NotPermitted: The store did not accept the pack.
            NotPermitted: An unopened value is stored in a scope that readers of `scope` may not
                read; or this client signs, and the value has no valid signature.
        """
        from statebag.format.json_check import check_json
        from statebag.sealing.sealer import OPAQUE, plain

        started = perf_counter_ns()
        (state,) = self._written([state], default)
        if append:
            if not isinstance(append, Mapping):
                raise ConfigurationError(
                    f"append must be a dict of items by path, not {type(append).__qualname__}",
                    hint='Write append={"$.field": items}.',
                )
            from statebag.sealing.appending import entries_of, with_appended

            for array, entries in append.items():
                items = self._written(entries_of(entries, parse_path(array)), default)
                check_json(items)
                state = with_appended(state, parse_path(array), items)
        with deadline(self.policy.deadline_seconds), span("statebag.seal"):
            if sealing_is_off():
                return plain(state, lambda one: self._sealer().read_inside(one, (), scope))
            is_given = scope is not None
            if parent is not None:
                parent = as_bag(parent)
            if scope is None and parent is not None:
                from statebag.opening.bag_scope import deepest_scope

                scope = deepest_scope(parent)
            if heal:
                from statebag.opening.embedded import say_texts_are_left

                check_json(state, OPAQUE)
                say_texts_are_left(state)
                # A scope that the parent gave confines nobody.
                state = self._sealer().read_inside(state, (), scope if is_given else None)
            bag = self._sealer().sealed(
                state, scope, budget, everything=heal, confined=is_given, parent=parent
            )
            usage.add(seals=1, seal_ns=perf_counter_ns() - started)
        return bag

    def open(
        self,
        bag: Any,
        only: Iterable[str | Sequence[str | int | slice]] | None = None,
        scope: str | None = None,
        *,
        legacy: bool | str | Sequence[str | int] = False,
        embedded: bool | None = None,
    ) -> Any:
        """Return the state in a bag, or in any JSON value with stubs in it.

        Args:
            bag: The JSON value, or its text; `Unopened` values of an earlier open are opened too.
                Bytes are always text. A str is text if it holds a stub, and a string otherwise.
            only: Paths (`$.a.b[0]`, `a.b`) to open; other stubs stay `Unopened`. An index may count
                from the end, and a slice may stand at the end (`$.messages[-10:]`). A path at which
                the state has nothing is ignored.
            scope: The reader's scope: objects outside it, its ancestors and the policy's
                `readable_scopes` are refused.
            legacy: Whether legacy pointers are followed too, in the places where they can be, to
                objects that the scope may read: True if `bag` is a state, or the path of the state
                in it (`$.state_data`) if it is an event.
            embedded: What becomes of strings in the state that hold a bag's text (the body of a
                message, `States.JsonToString`). True opens them: each stays a string, the JSON text
                of the opened value. False leaves them, with a warning in the log. None refuses them
                if they are plain in `bag`, except below a key `Cause`.

        Raises:
            InvalidState: The bag holds a value that JSON cannot hold, or such a string and
                `embedded` is None.
            InvalidStub, UnsupportedFormat, NotPermitted, LimitExceeded: Before any request.
            BlobMissing, BlobCorrupt: An object is gone or damaged.
            StoreUnavailable: The store did not answer in time.
        """
        state = self._opened(bag, only, scope, legacy=legacy, embedded=embedded)
        return state if self.values is None else self.values.decode(state)

    def _opened(
        self,
        bag: Any,
        only: Iterable[str | Sequence[str | int | slice]] | None = None,
        scope: str | None = None,
        *,
        legacy: bool | str | Sequence[str | int] = False,
        embedded: bool | None = None,
    ) -> Any:
        """Return the JSON value of a state; see `open`."""
        from statebag.opening.embedded import look_for_texts, open_texts

        started = perf_counter_ns()
        reads_stubs(bag)
        places = None if only is None else parse_paths(only)
        bag = as_bag(bag)
        with deadline(self.policy.deadline_seconds), span("statebag.open"):
            if legacy:
                from statebag.opening.foreign_pointers import pointer_reader

                reader = pointer_reader(self.store, self.policy, scope)
                inside = {} if isinstance(legacy, int) else {"state_at": parse_path(legacy)}
                bag = reader.resolve(bag, **inside)
            selection = EVERYTHING if places is None else Selection(places_in(bag, places))
            opener = self._opener(scope)
            state = opener.open(bag, selection)
            if embedded:
                state = open_texts(opener, state, selection)
            else:
                look_for_texts(bag, embedded)
            usage.add(opens=1, open_ns=perf_counter_ns() - started)
        return state

    def append(
        self,
        bag: Any,
        field: str | Sequence[str | int],
        entries: Iterable[Any],
        scope: str | None = None,
        budget: int | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any:
        """Return a bag with items appended to one array of its state, which is not opened.

        A seal that writes a pack may read small older packs, to merge them. An array is read only
        if it is stored as a delta, or was offloaded together with the object around it.

        Args:
            bag: A bag.
            field: The array's path. If its last field is missing, it is created.
            entries: JSON values.
            scope: Where new objects go.
            budget: The bag's bound in bytes, instead of the policy's.
            embedded: As for `open`, for plain strings in the bag; once sealed again, such a string
                is data.

        Raises:
            InvalidState: The value at the path is not an array, or a string holds a bag's text and
                `embedded` is None.
        """
        from statebag.format.json_check import check_json
        from statebag.opening.embedded import look_for_texts, open_texts
        from statebag.sealing.appending import entries_of, lies_in_unopened, with_appended
        from statebag.sealing.sealer import plain

        started = perf_counter_ns()
        reads_stubs(bag)
        path = parse_path(field)
        items = self._written(entries_of(entries, path))
        check_json(items)
        with deadline(self.policy.deadline_seconds):
            opener, bag = self._opener(scope), as_bag(bag)
            state = opener.open(bag, Selection([]))
            if lies_in_unopened(state, path):  # then the array is in there too
                state = opener.open(bag, Selection([path]))
            if embedded:
                state = open_texts(opener, state, EVERYTHING)
            else:
                look_for_texts(bag, embedded)
            grown = with_appended(state, path, items)
            if sealing_is_off():
                return plain(grown, lambda one: self._sealer().read_inside(one, (), scope))
            appended = self._sealer().sealed(grown, scope, budget)
        usage.add(seals=1, seal_ns=perf_counter_ns() - started)
        return appended

    @property
    def step(self) -> StepDecorator:
        """Decorate a Lambda handler that uses this client, as `statebag.step` does."""
        return StepDecorator(lambda: self)

    def _written(self, items: list[Any], default: Callable[[Any], Any] | None = None) -> list[Any]:
        """Return items of an array as JSON values, if this client has types beyond JSON."""
        if default is not None:
            from statebag.format.conversion import check_default, converted

            check_default(default)
            if self.values is None:
                return [converted(one, default) for one in items]
        if self.values is None:
            return items
        return [self.values.encode(one, default) for one in items]

    def _read(self, state: Any) -> Any:
        """Return an opened state with its values of types beyond JSON."""
        return state if self.values is None else self.values.decode(state)

    def _memory(self) -> Memory:
        signing = () if self._signatures is None else self._signatures.fingerprint
        required = (self.policy.require_signatures, self.policy.require_encryption)
        identity = (*self._identity, *signing, *required)
        memory = memory_of(identity, self.policy.cache_bytes)
        return memory.reading(self._granted) if self._granted else memory

    def _opener(
        self, scope: str | None, memory: Memory | None = None, fetcher: Fetcher | None = None
    ) -> Opener:
        memory = memory or self._memory()
        encoded = None if scope is None else encode_scope(scope)
        return Opener(
            fetcher or self._fetcher(memory),
            Confinement(encoded, self.policy.readable_scopes),
            memory.known,
            memory.bases,
            self._signatures,
        )

    def _sealer(self) -> Sealer:
        from statebag.sealing.sealer import Sealer

        memory = self._memory()
        # Made at each call: if it were kept, it would refer back here, and a client would not be
        # freed at once.
        return Sealer(
            self.policy,
            self.store,
            memory,
            self._fetcher,
            self._opener,
            self._signatures,
        )

    def _fetcher(self, memory: Memory) -> Fetcher:
        return Fetcher(
            self.store, memory.texts, self.policy, self.recovery, memory.presence, self._identity
        )


def _checked_values(values: Values | None) -> Values | None:
    """Check the argument `values` without importing its class, and return it."""
    if values is not None and not (hasattr(values, "encode") and hasattr(values, "decode")):
        raise ConfigurationError(
            f"values must be a statebag.values.Values, not {type(values).__qualname__}",
            hint="Write values=Values(YourClass).",
        )
    return values
