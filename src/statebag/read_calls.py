"""The calls of `Statebag` that read parts of a state, or many states one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, cast

from statebag.format.bag_text import as_bag, as_bags
from statebag.format.paths import Path, parse_path, parse_place
from statebag.opening.process_memory import Memory
from statebag.opening.walk import EVERYTHING
from statebag.store.retrying import deadline
from statebag.telemetry import usage
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from statebag.opening.difference import Change
    from statebag.opening.opener import Opener
    from statebag.policy import Policy
else:  # loaded when they are used; tools that evaluate annotations find the names
    Change = Any

__all__ = ["ReadCalls"]


class ReadCalls:
    """The part of `Statebag` that reads without opening a whole bag, or opens many."""

    if TYPE_CHECKING:
        policy: Policy
        _opener: Callable[..., Opener]
        _read: Callable[[Any], Any]

    def open_each(
        self, bags: Iterable[Any], scope: str | None = None, *, embedded: bool | None = None
    ) -> Iterator[Any]:
        """Open many values one after another, such as the results of many branches.

        Memory does not grow with their number: a few are read ahead, and none is cached.
        The policy's limits apply to each batch of 128.

        Args:
            bags: JSON values that hold stubs, or their texts.
            scope: The reader's scope, as for `open`.
            embedded: As for `open`.

        Raises:
            StatebagError: As for `open`, when the batch of the value is reached. Its path begins
                with the value's index in the batch.
        """
        from statebag.opening.embedded import look_for_texts, open_texts
        from statebag.opening.streaming import streamed

        def open_batch(batch: list[Any]) -> list[Any]:
            reads_stubs(batch)
            started = perf_counter_ns()
            # Streamed values are not cached: the cache would grow with their number.
            opener = self._opener(scope, Memory.of_nothing())
            batch = as_bags(batch)
            with deadline(self.policy.deadline_seconds):
                values: list[Any] = opener.open(batch, EVERYTHING)
                if embedded:
                    values = open_texts(opener, values, EVERYTHING)
                else:
                    look_for_texts(batch, embedded)
            usage.add(opens=len(batch), open_ns=perf_counter_ns() - started)
            return [self._read(one) for one in values]

        return streamed(open_batch, bags)

    def get(
        self,
        bag: Any,
        path: str | Sequence[str | int | slice],
        scope: str | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any:
        """Return the opened value at one path, reading only the blobs on the way to it.

        An item of an array in chunks costs one chunk, however long the array is; a slice costs the
        chunks that it meets.

        Args:
            bag: A bag, or any JSON value that holds stubs.
            path: `$.a.b[0]`, `a.b`, `$.messages[-1].id`, or its parts. A slice at its end
                (`$.messages[-10:]`) gives the list of its items.
            scope: The reader's scope, as for `open`.
            embedded: As for `open`, for the strings in this value only.

        Raises:
            InvalidState: Nothing is at the path.
            StatebagError: As for `open`.
        """
        from statebag.opening.embedded import look_for_texts_at, open_texts
        from statebag.opening.lookup import look_up

        reads_stubs(bag)

        with deadline(self.policy.deadline_seconds):
            opener, bag, where = self._opener(scope), as_bag(bag), parse_place(path)
            value = look_up(opener, bag, where)
            if embedded:
                value = open_texts(opener, value, EVERYTHING, cast("Path", where))
            else:
                look_for_texts_at(bag, where, embedded)
        return self._read(value)

    def members(
        self,
        bag: Any,
        path: str | Sequence[str | int] = "$",
        start: int = 0,
        count: int = 100,
        scope: str | None = None,
    ) -> list[tuple[str | int, Any]]:
        """Return some items of an array, or members of an object, each with its index or name.

        Of a value in chunks, only the chunks that hold them are read. Strings that hold a bag's
        text are returned as they are.

        Args:
            bag: A bag, or any JSON value that holds stubs.
            path: The array or object, as for `get`.
            start: The first one, from 0.
            count: How many at most.
            scope: The reader's scope, as for `open`.

        Raises:
            InvalidState: Nothing is at the path, or the value is not an array or object.
            StatebagError: As for `open`.
        """
        from statebag.opening.member_page import member_page

        reads_stubs(bag)
        with deadline(self.policy.deadline_seconds):
            return member_page(self._opener(scope), as_bag(bag), parse_path(path), start, count)

    def differences(self, before: Any, after: Any, scope: str | None = None) -> list[Change]:
        """Return the differences between the states of two bags, reading only values that differ.

        Strings that hold a bag's text are compared as they are, with a warning in the log.

        Args:
            before: A bag.
            after: Another one, usually of a later step.
            scope: The reader's scope, as for `open`.

        Raises:
            StatebagError: As for `open`.
        """
        from statebag.opening.difference import differences
        from statebag.opening.embedded import look_for_texts

        reads_stubs([before, after])
        before, after = as_bag(before), as_bag(after)
        with deadline(self.policy.deadline_seconds):
            found = list(differences(self._opener(scope), before, after))
        for bag in (before, after):
            look_for_texts(bag, embedded=False)
        return found
