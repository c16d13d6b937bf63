"""Read a workflow that can run on this machine, and import its functions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.cloudformation import pseudo_parameters
from statebag.asl.documents import PLACEHOLDER, parse_document, read_text
from statebag.asl.function_references import Names, bind_references
from statebag.asl.machines import with_resource_texts
from statebag.asl.source_files import refuse_sources
from statebag.asl.template import FunctionSource, Template, parse_definition
from statebag.environment import all_variables, missing_aws_settings
from statebag.errors import ConfigurationError
from statebag.format.arguments import check_file, check_kind, check_optional
from statebag.local.bounded_maps import bounded_items
from statebag.local.execution import Handler
from statebag.local.functions import Function
from statebag.local.handler_environment import environment_set
from statebag.local.interpreter.boto_hooks import watch_clients
from statebag.local.loaded_workflow import Workflow
from statebag.store.address import store_from_url
from statebag.store.contract import Store

if TYPE_CHECKING:
    from statebag.asl.template import DeclaredResource

__all__ = ["load_workflow"]

_STORE = "STATEBAG_STORE"
_CONTROL = "STATEBAG_CONTROL"


@dataclass(frozen=True, slots=True)
class _Given:
    """The arguments of `load_workflow` other than the file."""

    machine: str | None
    handlers: Mapping[str, str | Handler]
    parameters: Mapping[str, str]
    substitutions: Mapping[str, str]
    variables: Mapping[str, str | None]
    region: str
    complete: bool
    store: str | None
    bounded_items: bool


def load_workflow(
    path: str | Path,
    *,
    machine: str | None = None,
    handlers: Mapping[str, str | Handler] | None = None,
    parameters: Mapping[str, str] | None = None,
    substitutions: Mapping[str, str] | None = None,
    environment: Mapping[str, str | None] | None = None,
    region: str = "us-east-1",
    complete: bool = True,
    store: str | None = None,
    bounded_items: bool = False,
) -> Workflow:
    """Read a SAM or CloudFormation template, or a bare definition, and import its functions.

    Functions that the definition names are imported now; others of the template are imported at
    their first call. Every function sees the variables of `environment`, those of the template, and
    `AWS_REGION` and `AWS_DEFAULT_REGION` as in Lambda.

    Args:
        path: A file: YAML or JSON.
        machine: The logical id of the state machine; by default the first that no other one
            starts.
        handlers: Functions by name: that of the function, its ARN, its logical id, or a
            placeholder's. Each is a callable, `package.module:function`, or
            `folder/file.py:function`. They win over the template's.
        parameters: Values of the template's parameters.
        substitutions: Texts that replace `${Name}` in the definition; they win over the template's.
        environment: Variables of every function; they win over the template's, and None
            removes one.
        region: What `AWS::Region` is, and the region of all ARNs.
        complete: Whether a function that has no handler, or cannot be imported, is refused; if
            not, it is refused when it is called.
        store: The address where packs go, instead of the functions' STATEBAG_STORE. A function
            whose store is in a bucket that the template declares keeps that store, and its packs go
            to both.
        bounded_items: Whether functions of a bare definition keep the items of a Map plain if its
            Comment says how many there are (`statebag: at most 36 items`), and neither
            `environment` nor this process sets STATEBAG_CONTROL. The workflow's note says so.

    Raises:
        ConfigurationError: The file cannot be read, a function has no handler, or its import
            failed.
    """
    check_file("path", path)
    check_kind("region", region, str, "a str")
    check_optional({"machine": machine, "store": store}, str, "a str")
    mappings = {"handlers": handlers, "parameters": parameters, "substitutions": substitutions}
    check_optional({**mappings, "environment": environment}, Mapping, "an object by name")
    path = Path(path)
    given = _Given(
        machine=machine,
        handlers=handlers or {},
        parameters=parameters or {},
        substitutions=substitutions or {},
        variables={
            # A client that a module makes while it is imported signs with these ever after.
            **missing_aws_settings(region),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **(environment or {}),
        },
        region=region,
        complete=complete,
        store=store,
        bounded_items=bounded_items,
    )
    watch_clients()  # before a module of a function makes one
    try:
        text = read_text(path)
        refuse_sources(path, text)
        document = _document(path, text)
        if isinstance(document, dict) and "Resources" in document:
            return _from_template(path, document, given)
        return _from_definition(path, text, given)
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply, or refers to itself") from None


def _document(path: Path, text: str) -> Any:
    """Return the file's content; None if only substitutions make it a document."""
    try:
        return parse_document(text, str(path))
    except ConfigurationError:
        if PLACEHOLDER.search(text):
            return None
        raise


def _from_template(path: Path, document: Mapping[str, Any], given: _Given) -> Workflow:
    template = Template(path, document, parameters=given.parameters, region=given.region)
    logical_id, name, note = _machine(template, given)
    definitions = _definitions(template, logical_id, given.substitutions)
    names_by_id = template.functions()
    ids = {function: function_id for function_id, function in names_by_id.items()}
    # A function of the template is known by its logical id as well as by its name.
    handlers = {names_by_id.get(key, key): handler for key, handler in given.handlers.items()}
    names = bind_references(definitions.values(), ids, handlers, given.region)
    _check(path, given, names, handlers, ids)

    declared = template.resources()
    stores = _Stores(template, declared, given)

    def environment(function: str) -> Mapping[str, str]:
        if function in ids:
            return template.environment(ids[function], stores.variables(ids[function]))
        return _set(stores.variables(None))

    functions = _given_functions(names, handlers, environment)
    for function, function_id in ids.items():
        if function in functions:
            continue
        needed = given.complete and function in names.functions
        try:
            loadable = Function(template.function(function_id, stores.variables(function_id)))
        except ConfigurationError as error:
            if needed:
                raise
            functions[function] = _refusing(error)
            continue
        functions[function] = loadable
        if needed:
            loadable.load()
    definition = definitions.pop(name)
    return Workflow(
        name,
        definition,
        functions,
        definitions,
        given.region,
        tuple(declared),
        stores.mirrors,
        note,
        template.is_express(logical_id),
    )


class _Stores:
    """Find the store of each function of a template.

    Args:
        template: The template.
        declared: Its resources.
        given: The caller's arguments.

    Attributes:
        mirrors: The second stores that keep the objects of stores in the template's buckets, by
            their addresses.
    """

    def __init__(
        self, template: Template, declared: Sequence[DeclaredResource], given: _Given
    ) -> None:
        self._template = template
        self._buckets = {one.name for one in declared if one.kind == "AWS::S3::Bucket"}
        self._given = given
        self.mirrors: dict[str, Store] = {}

    def variables(self, function_id: str | None) -> Mapping[str, str | None]:
        """Return the variables that win over those of the template."""
        store, variables = self._given.store, self._given.variables
        if store is None or _STORE in variables:
            return variables
        own = None if function_id is None else self._template.variable(function_id, _STORE)
        if own is not None and own.startswith("s3://") and own.split("/")[2] in self._buckets:
            address = own.rstrip("/")
            if address not in self.mirrors:
                self.mirrors[address] = store_from_url(store)
            return variables
        return {**variables, _STORE: store}


def _from_definition(path: Path, text: str, given: _Given) -> Workflow:
    if given.machine is not None or given.parameters:
        raise ConfigurationError(
            f"{path} is a definition, not a template",
            hint="--machine and --parameter are for templates",
        )
    values = {**pseudo_parameters(given.region), **given.substitutions}
    definition = with_resource_texts(parse_definition(text, str(path), values))
    names = bind_references([definition], (), given.handlers, given.region)
    _check(path, given, names, given.handlers, ())
    variables = _set({} if given.store is None else {_STORE: given.store}) | _set(given.variables)
    note = None
    if given.bounded_items and _CONTROL not in dict(all_variables()) and _CONTROL not in variables:
        paths = ",".join(bounded_items(definition))
        if paths:
            variables[_CONTROL] = paths
            note = (
                f"The functions run with {_CONTROL}={paths}, because Comments in {path} say how "
                "many items their Maps have at most. Set this variable on each function that you "
                "deploy."
            )
    functions = _given_functions(names, given.handlers, lambda _: variables)
    name = path.name.partition(".")[0]
    return Workflow(name, definition, functions, {}, given.region, note=note)


def _set(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value is not None}


def _definitions(
    template: Template, logical_id: str, substitutions: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the definitions of a state machine and of all machines that it starts, by name."""
    machines = template.machines()
    definitions: dict[str, dict[str, Any]] = {}
    ahead = [logical_id]
    while ahead:
        wanted = ahead.pop()
        # Use a copy: names are written into it, and YAML anchors may share its parts.
        definition = json.loads(json.dumps(template.definition(wanted, substitutions)))
        definitions[machines[wanted]] = definition
        text = json.dumps(definition)
        ahead.extend(
            other
            for other, name in machines.items()
            if name not in definitions and f':stateMachine:{name}"' in text
        )
    return definitions


def _machine(template: Template, given: _Given) -> tuple[str, str, str | None]:
    """Return the logical id and the name of the state machine to run, and why it was chosen.

    If none is named, it is the first that no other one starts.
    """
    machines, wanted = template.machines(), given.machine
    listed = ", ".join(sorted(machines))
    if not machines:
        raise ConfigurationError(f"{template.path} has no state machine", path="$.Resources")
    note = None
    if wanted is None and len(machines) > 1:
        started = set()
        for one in machines:
            with suppress(ConfigurationError):  # one that cannot be read starts none here
                text = json.dumps(template.definition(one, given.substitutions))
                started |= {
                    other
                    for other, name in machines.items()
                    if other != one and f':stateMachine:{name}"' in text
                }
        first = [one for one in machines if one not in started]
        if not first:
            raise ConfigurationError(
                f"{template.path} has {len(machines)} state machines that start each other",
                hint=f"Choose one: --machine {next(iter(machines))}",
            )
        wanted = first[0]
        if len(first) > 1:
            note = (
                f"{template.path} has {len(machines)} state machines ({listed}), and {wanted} was "
                f"run: --machine {first[1]} runs another one."
            )
    if wanted is not None and wanted not in machines:
        raise ConfigurationError(
            f"{template.path} has no state machine {wanted}", hint=f"It has: {listed}"
        )
    logical_id = wanted or next(iter(machines))
    return logical_id, machines[logical_id], note


def _check(
    path: Path,
    given: _Given,
    names: Names,
    handlers: Mapping[str, str | Handler],
    known: Collection[str],
) -> None:
    """Refuse functions without a handler, and handlers without a function."""
    if names.unbound and given.complete:
        command = ["statebag", "run", str(path)]
        if given.machine is not None:
            command += ["--machine", given.machine]
        for name, handler in given.handlers.items():
            command += ["--handler", f"{name}={handler}"]
        for name in names.unbound:
            command += ["--handler", f"{name}=module:function"]
        count = len(names.unbound)
        raise ConfigurationError(
            f"{count} function{'s have' if count > 1 else ' has'} no handler: "
            + ", ".join(names.unbound),
            hint=f"Name a Python function for each: {shlex.join(command)}",
        )
    unused = handlers.keys() - set(names.functions.values()) - set(known)
    # A name that is computed at run time may be any of them.
    if unused and not names.dynamic:
        named = ", ".join(sorted({*names.functions, *known})) or "none"
        raise ConfigurationError(
            f"{path} has no function {', '.join(sorted(unused))}", hint=f"It has: {named}"
        )


def _given_functions(
    names: Names,
    handlers: Mapping[str, str | Handler],
    environment: Callable[[str], Mapping[str, str]],
) -> dict[str, Handler]:
    """Return the functions for which handlers were given, by function name."""
    keys = {name: key for name, key in names.functions.items() if key is not None}
    keys.update({key: key for key in handlers.keys() - set(keys.values())})
    functions: dict[str, Handler] = {}
    for name, key in keys.items():
        handler = handlers[key]
        if isinstance(handler, str):
            function = Function(_given_source(key, handler, environment(name)))
            function.load()
            functions[name] = function
        else:
            functions[name] = _with_environment(handler, environment(name))
    return functions


def _given_source(name: str, target: str, environment: Mapping[str, str]) -> FunctionSource:
    """Return the source of `package.module:function` or `folder/file.py:function`."""
    place, _, attribute = target.rpartition(":")
    origin = f"--handler {name}={target}"
    if not place or not attribute.isidentifier():
        raise ConfigurationError(
            f"{origin} is not of the form NAME=module:function",
            hint="Or name a file: NAME=folder/file.py:function",
        )
    if not place.endswith(".py"):
        return FunctionSource(
            name, origin, f"{place}.{attribute}", (Path.cwd(),), environment, installed=True
        )
    file = Path(place)
    if not file.is_file():
        raise ConfigurationError(f"{origin}: there is no file {file}")
    return FunctionSource(
        name, origin, f"{file.stem}.{attribute}", (file.resolve().parent,), environment
    )


def _with_environment(handler: Handler, environment: Mapping[str, str]) -> Handler:
    def call(event: Any, context: Any) -> Any:
        with environment_set(environment):
            return handler(event, context)

    return call


def _refusing(error: ConfigurationError) -> Handler:
    """Return a handler for a function that cannot run here; it fails only if it is called."""

    def call(_event: Any, _context: Any) -> Any:
        raise error

    return call
