# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Reading a definition: what the interpreter's grammar lacks, and once instead of every time.

AWS knows ItemBatcher, WriterConfig, more kinds of ItemReader, and whole percentages. The
interpreter's grammar rejects or drops them; it parses a definition at creation and again at each
execution; it reads a negative integer of a payload template as a float, two escaped halves of
a character as two characters, a path or a name with its backslashes, and not at all a number
with a zero in its exponent.

Here what belongs to a Distributed Map is taken out of the definition first, and what it means
is attached to the parsed state; and the text to parse is written without what it misreads.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import msgspec
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_terminal import (
    AssignTemplateValueTerminalLit,
)
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_value_terminal import (
    JSONataTemplateValueTerminalLit,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadvaluelit.payload_value_float import (  # noqa: E501 - a name of the interpreter
    PayloadValueFloat,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from statebag.asl.model import Definition, State
from statebag.errors import ConfigurationError
from statebag.local.corrections.map_fields import ItemReading, MapFields, Template
from statebag.local.corrections.patch import Patch
from statebag.local.item_reader import item_source
from statebag.local.result_writer import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.local.moto_run import Run

__all__ = ["definition_text", "patches"]


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""
    parse_text = AmazonStateLanguageParser.parse
    parsed: dict[str, Any] = {}
    lock = threading.Lock()

    def parse(definition: str) -> Any:
        with lock:
            if definition not in parsed:
                parsed[definition] = _parse(definition, parse_text)
            return parsed[definition]

    def number(component: Callable[[Any], Any]) -> Callable[..., Any]:
        def visit(self: Any, ctx: Any) -> Any:  # noqa: ARG001 - a method
            return component(json.loads(ctx.NUMBER().getText()))

        return visit

    def inner_string(parser_rule_context: Any) -> str | None:
        text = parser_rule_context.getText()
        if not text.startswith('"'):
            return None if text == "null" else str(text)
        return str(json.loads(text))

    return [
        Patch(AmazonStateLanguageParser, "parse", staticmethod(parse)),
        Patch(Preprocessor, "_inner_string_of", staticmethod(inner_string)),
        Patch(Preprocessor, "visitPayload_value_float", number(PayloadValueFloat)),
        Patch(
            Preprocessor,
            "visitAssign_template_value_terminal_float",
            number(AssignTemplateValueTerminalLit),
        ),
        Patch(
            Preprocessor,
            "visitJsonata_template_value_terminal_float",
            number(JSONataTemplateValueTerminalLit),
        ),
    ]


def definition_text(machine: dict[str, Any]) -> str:
    """A definition as text that the interpreter's lexer reads rightly: UTF-8, exponents bare."""
    return msgspec.json.encode(machine).decode()


def _parse(definition: str, parse_text: Callable[[str], Any]) -> Any:
    machine = json.loads(definition)
    fields = {
        state.name: _taken_out(state.fields, state.path, state.language, parse_text)
        for state in Definition(machine).states.values()
        if state.kind == "Map" and _check_mode(state)
    }
    program, tree = parse_text(definition_text(machine))
    for state in _parsed_maps(program):
        if state.name in fields:
            state.statebag_fields = fields[state.name]
            if fields[state.name].source is not None:
                state.item_reader = ItemReading(fields[state.name])
    return program, tree


def _check_mode(state: State) -> bool:
    """Whether a Map is distributed; an inline one must not have the fields of one."""
    if state.is_distributed:
        return True
    for field in ("ItemReader", "ItemBatcher", "ResultWriter"):
        if field in state.fields:
            raise ConfigurationError(
                f"only a Distributed Map has {field}",
                path=f"{state.path}.{field}",
                hint='Set "Mode": "DISTRIBUTED" in the ProcessorConfig.',
            )
    return False


def _taken_out(
    state: dict[str, Any], path: str, language: str, parse_text: Callable[[str], Any]
) -> MapFields:
    reader = state.pop("ItemReader", None)
    batcher = state.pop("ItemBatcher", None)
    written = state.pop("ResultWriter", None)
    arguments = "Arguments" if language == "JSONata" else "Parameters"

    def template(value: Any, place: str) -> Template:
        field = "Output" if language == "JSONata" else "Parameters"
        text = {"Type": "Pass", "End": True, field: value}
        machine = {"StartAt": "T", "QueryLanguage": language, "States": {"T": text}}
        try:
            program, _ = parse_text(definition_text(machine))
        except Exception as error:
            raise ConfigurationError("the field is not a payload template", path=place) from error
        parsed = program.states.states["T"]
        return parsed.output.jsonata_template_value if language == "JSONata" else parsed.parameters

    source = source_template = batches = target = None
    if reader is not None:
        source = item_source(reader, f"{path}.ItemReader")
        config = reader.get("ReaderConfig", {})
        values = dict(reader.get(arguments, {}))
        if "MaxItems" in config:
            values["MaxItems"] = config["MaxItems"]
        if "MaxItemsPath" in config:
            values["MaxItems.$"] = config["MaxItemsPath"]
        source_template = template(values, f"{path}.ItemReader")
    if batcher is not None:
        batches = template(_batcher(batcher, f"{path}.ItemBatcher"), f"{path}.ItemBatcher")
    if written is not None and "Resource" in written:
        target = template(written.get(arguments, {}), f"{path}.ResultWriter.{arguments}")
    percentage = state.get("ToleratedFailurePercentage")
    if isinstance(percentage, int):
        state["ToleratedFailurePercentage"] = float(percentage)
    limits = frozenset(
        kind
        for kind in ("ToleratedFailureCount", "ToleratedFailurePercentage")
        if kind in state or f"{kind}Path" in state
    )
    return MapFields(
        source=source,
        source_template=source_template,
        batcher=batches,
        writer=writer(written, f"{path}.ResultWriter"),
        writer_template=target,
        limits=limits,
    )


def _batcher(given: dict[str, Any], path: str) -> dict[str, Any]:
    values: dict[str, Any] = {"BatchInput": given["BatchInput"]} if "BatchInput" in given else {}
    for field in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
        if field in given:
            values[field] = given[field]
        if f"{field}Path" in given:
            values[f"{field}.$"] = given[f"{field}Path"]
    if not any(name.startswith("Max") for name in values):
        raise ConfigurationError(
            "the ItemBatcher has neither MaxItemsPerBatch nor MaxInputBytesPerBatch", path=path
        )
    return values


def _parsed_maps(machine: Any) -> Iterator[Any]:
    states = machine.states if hasattr(machine, "states") else machine._states
    for state in states.states.values():
        if isinstance(state, StateParallel):
            for program in state.branches.programs:
                yield from _parsed_maps(program)
        elif isinstance(state, StateMap):
            yield state
            component: Any = state.iteration_component
            yield from _parsed_maps(component)
