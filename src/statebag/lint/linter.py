"""Check the state machines in files."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.definition import problems_of, unreached_states
from statebag.asl.documents import DocumentError
from statebag.asl.machines import MachineSource, files_below, machines_in
from statebag.asl.model import Definition, Position
from statebag.errors import ConfigurationError
from statebag.format.arguments import check_iterable, check_kind
from statebag.lint.calls import Functions
from statebag.lint.checks import Checks, control_paths, movable_paths
from statebag.lint.finding import RULES, Finding
from statebag.lint.flow import Flow
from statebag.lint.function_settings import FunctionSettings, function_settings
from statebag.lint.history_length import long_histories
from statebag.lint.refused import refused
from statebag.lint.structure import structure, without_default

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Options", "Report", "lint", "machines_of"]

_IGNORE = re.compile(r"statebag:\s*ignore\s+(SB\d{3}(?:\s*,\s*SB\d{3})*)")
_STEP_BEGINS = re.compile(r"[.\[]")
_INDEX = re.compile(r"\[(\d{1,9})\]")
# Characters of a message that quotes a definition. Chosen: two lines of a terminal
_NAME_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Options:
    """The facts and choices that are not in the files.

    Attributes:
        sealed: Patterns of names of functions that seal.
        unsealed: Patterns of names of functions that do not seal.
        control: Paths of states that stay plain, in addition to those that functions keep plain.
        movable: Paths of states whose values stay separate, in plain form or as one stub.
        bag_bytes: The bound of a bag.
        input_bytes: The largest input of an execution.
        ignored: Codes that are not reported.
    """

    sealed: tuple[str, ...] = ()
    unsealed: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()
    bag_bytes: int = 96 * 1024
    input_bytes: int = 96 * 1024
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a lint.

    Attributes:
        findings: In the order of files and lines.
        machines: How many definitions were checked.
        control: For each file, the missing control paths.
        movable: For each file, the missing movable paths.
        accepted: How many findings a comment in a definition accepts.
        needed: For each machine's file, all control paths that its definition reads, set or
            missing, without those that functions keep plain.
        needed_movable: For each machine's file, all movable paths that its definition needs.
    """

    findings: list[Finding]
    machines: int
    control: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted: int = 0
    needed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    movable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needed_movable: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Advice:
    """The paths to name for one machine."""

    control: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()
    also_control: tuple[str, ...] = ()
    also_movable: tuple[str, ...] = ()

    @property
    def all_control(self) -> tuple[str, ...]:
        """All control paths, with those for a function that seals only its state or may seal."""
        return tuple(dict.fromkeys((*self.control, *self.also_control)))

    @property
    def all_movable(self) -> tuple[str, ...]:
        """All movable paths, with those for such a function; control paths are not among them."""
        named = {*self.control, *self.also_control}
        paths = dict.fromkeys((*self.movable, *self.also_movable))
        return tuple(one for one in paths if one not in named)


def _shown(path: Path) -> str:
    """Return a path for a message: a single point would read as the end of the sentence."""
    return "the working directory" if path == Path() else str(path)


def lint(paths: list[Path], options: Options) -> Report:
    """Check all state machines in files and folders, and return a report.

    Raises:
        ConfigurationError: A named file cannot be read or has no machine, or an option is wrong.
    """
    paths = list(check_iterable("paths", paths, "a list of Path"))
    for path in paths:
        check_kind("paths", path, Path, "a list of Path")
    check_kind("options", options, Options, "Options")
    unknown = sorted(options.ignored - RULES.keys())
    if unknown:
        raise ConfigurationError(f"there is no rule {', '.join(unknown)}")
    control_paths(options.control)
    movable_paths(options.movable)
    report = Report([], 0)
    findings: list[Finding] = []
    accepted = 0
    machines = machines_of(paths)
    if not machines:
        raise ConfigurationError(
            f"no state machine is in {', '.join(map(_shown, paths))[:_NAME_SHOWN] or 'no file'}",
            hint="Name a template, a definition (*.asl.json), or a folder that has one.",
        )
    for machine in machines:
        settings = function_settings(machine)
        found, advice = _looked_at(machine, settings, options)
        for needed, told, missing in (
            (report.needed, (*options.control, *_control_of(settings)), advice.all_control),
            (report.needed_movable, (*options.movable, *_movable_of(settings)), advice.all_movable),
        ):
            named = (*needed.get(machine.file, ()), *told, *missing)
            needed[machine.file] = tuple(dict.fromkeys(named))
        kept = [one for one in found if not _is_accepted(one, machine.value)]
        accepted += len(found) - len(kept)
        findings.extend(one for one in kept if one.code not in options.ignored)
        if advice.control:
            report.control[machine.file] = advice.all_control
        if advice.movable:
            report.movable[machine.file] = advice.all_movable
    ordered = sorted(set(findings), key=_place)
    return replace(report, findings=ordered, machines=len(machines), accepted=accepted)


def _place(one: Finding) -> tuple[str, int, int, str, str, str]:
    return one.file, one.line, one.column, one.path, one.code, one.message


def machines_of(paths: list[Path]) -> list[MachineSource]:
    """Return all machines; a template's entry replaces that of its definition file."""
    found = [one for file, named in files_below(paths) for one in machines_in(file, named=named)]
    of_templates = {one.file for one in found if one.name}
    return [one for one in found if one.name or one.file not in of_templates]


def _looked_at(
    machine: MachineSource, settings: Mapping[str, FunctionSettings], options: Options
) -> tuple[list[Finding], _Advice]:
    """Return the findings, and the missing control and movable paths."""
    findings: list[Finding] = []

    def say(path: str, code: str, message: str, fix: str) -> None:
        at = model.position(path) or Position(0, 0)
        findings.append(Finding(machine.file, at.line, at.column, path, code, message, fix))

    definition = machine.value
    if definition is None:
        return [_unread(machine)], _Advice()
    model = Definition(definition, machine.positions)
    try:
        for problem in problems_of(definition):
            say(problem.path or "$", "SB001", problem.message[:_NAME_SHOWN], problem.hint or "")
        if findings:
            return findings, _Advice()
        for path in unreached_states(model):
            say(
                path,
                "SB002",
                "no transition leads to this state",
                ("Remove it, or add a transition to it."),
            )
        for fault in structure(model):
            say(fault.path, fault.code, fault.message[:_NAME_SHOWN], fault.fix)
        for path, message in refused(model, express=machine.express):
            say(path, "SB010", message[:_NAME_SHOWN], "Correct it: AWS refuses the definition.")
        for one in long_histories(model, express=machine.express):
            if one.is_bound:
                fix = "Use a distributed Map, or start an execution for a part of the work."
                say(one.path, "SB107", one.message, fix)
            else:
                fix = (
                    'If it has fewer turns, say "statebag: at most N turns" in the Comment of one '
                    "of its states; if not, start a new execution before that."
                )
                say(one.path, "SB108", one.message, fix)
        for path in without_default(model):
            say(
                path,
                "SB004",
                "if no rule matches, the execution fails with States.NoChoiceMatched",
                "Add a Default, such as a Fail state that says what was unexpected.",
            )
        control = (*options.control, *_control_of(settings))
        named = control_paths(dict.fromkeys(control))
        moved = movable_paths(dict.fromkeys((*options.movable, *_movable_of(settings))))
        checks = Checks(model, named, moved, say)
        functions = _functions_of(settings, options)
        Flow(functions, options.input_bytes, checks).run(model)
        checks.finish()
        if checks.unsure:
            # The advised settings are those for the machine if its functions seal.
            sealing = Checks(model, named, moved, lambda *_finding: None)
            functions = replace(functions, states_seal=True)
            Flow(functions, options.input_bytes, sealing).run(model)
            sealing.finish()
            checks.also.update(sealing.wanted | sealing.also)
            checks.also_moved.update(sealing.moved | sealing.also_moved)
    except RecursionError:
        say("$", "SB001", "it is nested too deeply", "No machine needs that many levels.")
        return findings, _Advice()
    advice = _Advice(
        tuple(checks.wanted), tuple(checks.moved), tuple(checks.also), tuple(checks.also_moved)
    )
    return findings, advice


def _unread(machine: MachineSource) -> Finding:
    """Return the finding for a definition that cannot be read."""
    problem = machine.problem
    message, fix = "it is empty", "Write a state machine into it, or take it out of the folder."
    if problem is not None:
        message = problem.reason if isinstance(problem, DocumentError) else problem.message
        fix = problem.hint or "Correct it, or take it out of the folder."
    at = machine.positions.get("$", Position(0, 0))
    return Finding(machine.file, at.line, at.column, "$", "SB001", message[:_NAME_SHOWN], fix)


def _control_of(functions: Mapping[str, FunctionSettings]) -> Iterator[str]:
    for settings in functions.values():
        yield from settings.control


def _movable_of(functions: Mapping[str, FunctionSettings]) -> Iterator[str]:
    for settings in functions.values():
        yield from settings.movable


def _functions_of(functions: Mapping[str, FunctionSettings], options: Options) -> Functions:
    told = functions.items()
    return Functions(
        sealed=(*options.sealed, *(name for name, one in told if one.seals is True)),
        unsealed=(
            *options.unsealed,
            *(
                name
                for name, one in told
                if one.seals is False
                # A pattern may mean all that can seal; a function in another language is named.
                and not any(
                    name == pattern if one.other_runtime else fnmatchcase(name, pattern)
                    for pattern in options.sealed
                )
            ),
        ),
        bag_bytes=options.bag_bytes,
        scoped=frozenset(name for name, one in told if one.names_scope),
        own_bag_bytes={name: one.bag_bytes for name, one in told if one.bag_bytes is not None},
        other_runtimes={
            name: one.other_runtime
            for name, one in told
            if one.other_runtime and name not in options.sealed
        },
    )


def _is_accepted(finding: Finding, definition: Any) -> bool:
    """Return whether a Comment on the way to the finding's place accepts it."""
    for comment in _comments(definition, finding.path):
        for codes in _IGNORE.findall(comment):
            if finding.code in re.split(r"\s*,\s*", codes):
                return True
    return False


def _comments(definition: Any, path: str) -> Iterator[str]:
    """Yield the Comments of all objects on the way to a place, from the outermost on."""
    value, position = definition, 1
    while True:
        if isinstance(value, dict) and isinstance(value.get("Comment"), str):
            yield value["Comment"]
        for end in _ends(path, position):
            found = _member(value, path[position:end])
            if found is not None:
                value, position = found[0], end
                break
        else:
            return


def _ends(path: str, start: int) -> Iterator[int]:
    """Yield the possible ends of the next step: names may have dots and brackets."""
    if start < len(path):
        yield from (one.start() for one in _STEP_BEGINS.finditer(path, start + 1))
        yield len(path)


def _member(value: Any, step: str) -> tuple[Any] | None:
    """Return the member that `.name`, `['name']` or `[0]` names; None if there is none."""
    if isinstance(value, dict):
        key = step[1:] if step.startswith(".") else _unquoted(step)
        return (value[key],) if key in value else None
    if isinstance(value, list) and (index := _INDEX.fullmatch(step)):
        position = int(index[1])
        return (value[position],) if position < len(value) else None
    return None


def _unquoted(step: str) -> str | None:
    """Return the name in `['name']`; None if it is another step."""
    try:
        name = ast.literal_eval(step[1:-1])
    except (ValueError, SyntaxError):
        return None
    return name if isinstance(name, str) and step == f"[{name!r}]" else None
