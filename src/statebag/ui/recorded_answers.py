"""Ask the questions of the page beforehand, and keep the answers for a file without a server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.format.codec import sha256_hex
from statebag.format.json_text import encode
from statebag.ui.state_tree import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statebag.ui.page_answers import PageData
    from statebag.ui.state_moments import SeenStates

__all__ = ["RecordedAnswers"]

# Chosen, so that a report is a few megabytes. Those that must be there come first.
_STATES_BYTES = 4_000_000  # chosen: answers about states and differences
_MOST_STATES = 300  # chosen: a person picks one of them from a list
_MOST_QUESTIONS = 300  # chosen: questions about one state
_STORED_BYTES = 256 * 1024  # chosen: values behind a stub that a report with values may hold
_MOST_PAGES = 10  # chosen: 2,000 members of one value
_MOST_FIELDS = 100  # chosen: fields whose history is there
_MOST_FOLLOWED = 1_000  # chosen: moments up to which histories of values are made
_FOLLOWED_BYTES = 32_000_000  # chosen: payloads that these read; each field reads them again


class RecordedAnswers:
    """The answers of one execution or head.

    Args:
        data: Answers the questions of the page.
        name: The ARN of the execution, or the name of the head's object.
        values: Whether to include values.

    Attributes:
        answers: The answers by the text of their questions, as the page's script writes it.
        states: The moments whose states were recorded, by number.
        pairs: Pairs of moments whose differences were recorded, each with a name.
        newest: The number of the newest state; None if there is none.
    """

    def __init__(self, data: PageData, name: str, *, values: bool) -> None:
        self.answers: dict[str, Any] = {}
        self.states: dict[int, dict[str, Any]] = {}
        self.pairs: dict[tuple[int, int], str] = {}
        self.newest: int | None = None
        self._data = data
        self._name = name
        self._values = values
        self._bytes = 0
        self._of_bag: dict[str, int] = {}

    def record(self, question: str, *, keyed: Sequence[str] | None = None, **asked: Any) -> Any:
        """Ask a question, keep its answer, and return it.

        Args:
            question: One of those of the page.
            keyed: The parameters that the page in the file passes when it asks; None stands for
                all.
            **asked: The parameters.
        """
        given = {"arn": self._name, **{name: str(value) for name, value in asked.items()}}
        shown = {"values": "1", "causes": "1"} if self._values else {}
        try:
            answer = self._data.answer(question, {**given, **shown})
        except StatebagError as error:
            answer = {"refused": {"error": error.message, "hint": error.hint, "path": error.path}}
        pairs = [[one, given[one]] for one in sorted(given) if keyed is None or one in keyed]
        self._keep([question, pairs], answer)
        return answer

    def _keep(self, question: list[Any], answer: Any) -> None:
        key = json.dumps(question, separators=(",", ":"))
        self.answers[key] = answer
        self._bytes += len(key) + len(json.dumps(answer))

    @property
    def is_full(self) -> bool:
        """Whether further states would make the file too large."""
        return self._bytes >= _STATES_BYTES or len(self.states) >= _MOST_STATES

    def record_state(self, seen: SeenStates, number: int, name: str) -> None:
        """Record the state at a moment; a state that is there already is not recorded again.

        Args:
            seen: What has the state.
            number: The number of the event, or of the version.
            name: The name under which a person picks it from a list.
        """
        if number in self.states:
            return
        about = {"event": number, "name": name, "type": seen.kind_of(number)}
        try:
            same = self._of_bag.setdefault(sha256_hex(encode(seen.bag(number))), number)
        except StatebagError:  # it cannot be read: the answer says so
            same = number
        self.states[number] = {**about, **({} if same == number else {"same": same})}
        if same == number:
            self._record_tree(number)

    def _record_tree(self, number: int) -> None:
        """Record the tree of a state, level by level, as far as it is plain in the bag."""
        level: list[list[str | int]] = [[]]
        questions = 0
        while level and questions < _MOST_QUESTIONS:
            below: list[list[str | int]] = []
            for path in level:
                for start in range(0, _MOST_PAGES * PAGE, PAGE):
                    if questions == _MOST_QUESTIONS:
                        return
                    questions += 1
                    asked: dict[str, Any] = {"start": start} if start else {}
                    answer = self.record("state", at=number, path=_text_of(path), **asked)
                    members = answer.get("members", ())
                    for one in members:
                        inner = [*path, one["key"]]
                        if one.get("is_cut"):
                            self.record("text", at=number, path=_text_of(inner))
                        if self._is_opened(one):
                            below.append(inner)
                    if start + PAGE >= (answer.get("node", {}).get("count") or 0) or not members:
                        break
            level = below

    def _is_opened(self, node: dict[str, Any]) -> bool:
        if node["kind"] not in {"object", "array"} or not node["count"]:
            return False
        return not node["is_stub"] or (self._values and node["size"] <= _STORED_BYTES)

    def record_differences(self, before: int, after: int, name: str) -> None:
        """Record what differs between two moments."""
        if (before, after) not in self.pairs:
            self.pairs[before, after] = name
            self.record("differences", before=before, after=after)

    def record_trails(self, number: int, moments: int, size: int) -> None:
        """Record at which moments the fields of a state changed, if that does not take long.

        Args:
            number: The moment whose fields are followed.
            moments: How many moments there are.
            size: The bytes of the payloads of all moments.
        """
        if moments > _MOST_FOLLOWED:
            return
        asked = {"arn": self._name, "at": str(number), "path": "[]"}
        try:
            fields = self._data.answer("state", asked)["members"]
        except StatebagError:
            return
        most = min(_MOST_FIELDS, _FOLLOWED_BYTES // max(1, size))
        for one in fields[:most]:
            path = _text_of([one["key"]])
            answer = self.record("trail", keyed=("arn", "path"), at=number, path=path)
            answer.pop("mark", None)  # for a next question, which a file does not answer

    def shown(self) -> dict[str, Any]:
        """Return everything as a JSON value for the page's script."""
        return {
            "newest": self.newest,
            "states": [self.states[number] for number in sorted(self.states)],
            "pairs": [[*pair, self.pairs[pair]] for pair in sorted(self.pairs)],
            "answers": self.answers,
        }


def _text_of(path: Iterable[str | int]) -> str:
    """Return a path as the page's script writes it: half a surrogate pair is an escape."""
    text = json.dumps(list(path), separators=(",", ":"), ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
