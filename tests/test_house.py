"""How the modules are named and laid out: what no import contract can say."""

import ast
import itertools
import re
from collections import defaultdict
from pathlib import Path

import statebag

TESTS = Path(__file__).parent
SOURCE = Path(statebag.__file__).parent
MODULES = [one for one in SOURCE.rglob("*.py") if one.name not in {"__init__.py", "_version.py"}]

READS_VARIABLES = {
    "environment.py": "the one place that reads them",
    "process/memory_limit.py": "below environment.py: a default of Policy is computed from it",
    "store/companion.py": "gives a child process its variables",
    "local/handler_environment.py": "sets the variables of the functions that it runs",
}


def of_os(module):
    """What a module takes of the environment: the names of `os` that lead to it."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os":
            yield from {node.attr} & names
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from {alias.name for alias in node.names} & names


def test_variables_are_read_in_one_place():
    found = {str(one.relative_to(SOURCE).as_posix()) for one in MODULES if any(of_os(one))}
    assert found == set(READS_VARIABLES)


SOURCE_OF_A_NUMBER = re.compile(
    r"chosen|measured|docs/|Guide|reference|Reference|quota|Quotas|specification|RFC|FIPS|IEEE|POSIX"
    r"|SIGINT|AES-|CPython|Py_C_|zstd|PyYAML|NAME_MAX|CRC|SHA-256|maxResults|click's"
    r"|of a millisecond|64 bits|`[^`]+`",
    re.IGNORECASE,
)
"""What a comment has in it that says where a number comes from."""

NUMBERS_TO_COME = ("local/", "manager/", "store/")
"""Rooms whose numbers are not looked at yet."""


def is_number(node):
    match node:
        case ast.Constant(value):
            return type(value) in {int, float}
        case ast.BinOp(left, _, right):
            return is_number(left) and is_number(right)
        case ast.UnaryOp(_, operand):
            return is_number(operand)
        case ast.Tuple(elements):
            return bool(elements) and all(map(is_number, elements))
        case ast.Call(ast.Name("timedelta")):
            return True
    return False


def numbers_of(module):
    """The numbers that a module defines, each with the comments and the docstring next to it."""
    lines = module.read_text("utf-8").splitlines()
    body = ast.parse("\n".join(lines)).body
    for node, after in itertools.zip_longest(body, body[1:]):
        if not (isinstance(node, ast.Assign | ast.AnnAssign) and is_number(node.value)):
            continue
        first, last = node.lineno - 1, node.end_lineno
        while first and lines[first - 1].startswith("#"):
            first -= 1
        match after:
            case ast.Expr(ast.Constant(str())):
                last = after.end_lineno
        own = lines[first:last]
        comments = [line.partition("#")[2] for line in own[: node.end_lineno - first]]
        docstring = own[node.end_lineno - first :]
        yield lines[node.lineno - 1], " ".join([*comments, *docstring]).strip()


def test_each_number_says_where_it_comes_from():
    silent = []
    found = 0
    for module in MODULES:
        place = module.relative_to(SOURCE).as_posix()
        if place.startswith(NUMBERS_TO_COME):
            continue
        for line, said in numbers_of(module):
            found += 1
            if not SOURCE_OF_A_NUMBER.search(said):
                silent.append(f"{place}: {line}")
    assert found > 100, "the numbers were not found"
    assert not silent, "\n".join(silent)


def test_a_number_without_a_source_is_found(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        '"""Docstring: chosen."""\n\n_ONE = 1\n_TWO = 2  # bytes\n_THREE = 3  # chosen\n\n'
        '# Measured.\n_FOUR = 4 * 1024\n\n_FIVE = 5\n"""Bytes. Chosen."""\n_SIX: int = -6\n'
    )
    said = dict(numbers_of(module))
    named = {line.split()[0] for line, one in said.items() if SOURCE_OF_A_NUMBER.search(one)}
    assert len(said) == 6
    assert named == {"_THREE", "_FOUR", "_FIVE"}


SAME_CLASSES = {}
"""Public classes that share a name, with the reason."""

SAME_MODULES = {
    "callbacks": "corrections of the interpreter are named after what they correct",
    "functions": "corrections of the interpreter are named after what they correct",
    "json_paths": "corrections of the interpreter are named after what they correct",
}


def test_no_two_public_classes_have_one_name():
    homes = defaultdict(set)
    for module in MODULES:
        for node in ast.parse(module.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(module.relative_to(SOURCE).as_posix())
    assert len(homes) > 200, "the classes were not found"
    double = {name: places for name, places in homes.items() if len(places) > 1}
    assert double.keys() == SAME_CLASSES.keys(), double


def test_no_two_modules_have_one_name():
    homes = defaultdict(set)
    for module in MODULES:
        homes[module.stem].add(module.relative_to(SOURCE).as_posix())
    double = {name: places for name, places in homes.items() if len(places) > 1}
    assert double.keys() == SAME_MODULES.keys(), double


TRIED_ELSEWHERE = {
    "asl/made_values.py": "asl/test_jsonata_values.py",
    "asl/quotas.py": "lint/test_rules.py",
    "cli/bag_source.py": "cli/test_inspect_cmd.py",
    "cli/bag_tree.py": "cli/test_inspect_cmd.py",
    "cli/checking.py": "cli/test_upkeep_cmd.py",
    "cli/diff_cmd.py": "cli/test_moving_cmd.py",
    "cli/doctor_cmd.py": "cli/test_upkeep_cmd.py",
    "cli/executions.py": "cli/test_look_into_page.py",
    "cli/export_cmd.py": "cli/test_moving_cmd.py",
    "cli/extras.py": "test_import.py",
    "cli/fsck_cmd.py": "cli/test_upkeep_cmd.py",
    "cli/gc_cmd.py": "cli/test_upkeep_cmd.py",
    "cli/import_cmd.py": "cli/test_moving_cmd.py",
    "cli/json_output.py": "cli/test_open_cmd.py",
    "cli/log_table.py": "cli/test_log_cmd.py",
    "cli/query_cmd.py": "cli/test_start_cmd.py",
    "cli/repair_cmd.py": "cli/test_upkeep_cmd.py",
    "cli/snapshots_cmd.py": "cli/test_moving_cmd.py",
    "cli/stores.py": "cli/test_open_cmd.py",
    "cli/styled_text.py": "cli/test_terminal.py",
    "cli/unusable_file.py": "cli/test_json_input.py",
    "format/bag_text.py": "opening/test_embedded.py",
    "format/blobs.py": "format/test_codec.py",
    "format/encryption_keys.py": "store/test_encrypted.py",
    "format/extents.py": "opening/test_fetch.py",
    "format/signature.py": "test_signed.py",
    "history/causes.py": "history/test_events.py",
    "history/log.py": "history/test_events.py",
    "history/standing.py": "history/test_replay.py",
    "keys.py": "test_signed.py",
    "lint/checks.py": "lint/test_rules.py",
    "lint/expression_sizes.py": "lint/test_flow.py",
    "lint/fields.py": "lint/test_structure.py",
    "lint/finding.py": "lint/test_rules.py",
    "lint/reading.py": "lint/test_flow.py",
    "lint/sarif.py": "cli/test_lint_cmd.py",
    "local/corrections/ending.py": "local/test_engine.py",
    "local/corrections/failures.py": "local/corrections/test_error_names.py",
    "local/corrections/functions.py": "local/test_functions.py",
    "local/corrections/map_fields.py": "local/corrections/test_distributed_map.py",
    "local/corrections/patch.py": "local/test_engine.py",
    "local/corrections/recording.py": "local/test_records.py",
    "local/corrections/visits.py": "local/corrections/test_quota.py",
    "local/execution.py": "local/test_engine.py",
    "local/expression_worker.py": "local/test_expressions.py",
    "local/interpreter.py": "local/test_engine.py",
    "local/item_reader.py": "local/corrections/test_distributed_map.py",
    "local/result_writer.py": "local/corrections/test_distributed_map.py",
    "local/run.py": "local/test_engine.py",
    "manager/actions/compressed.py": "manager/actions/test_handler.py",
    "manager/actions/invocation.py": "manager/actions/test_handler.py",
    "manager/actions/result.py": "manager/actions/test_update.py",
    "manager/actions/scope.py": "manager/actions/test_handler.py",
    "manager/legacy/pointer_format.py": "manager/legacy/test_pointers.py",
    "manager/merge/control.py": "manager/merge/test_execution_result.py",
    "manager/merge/fork.py": "manager/merge/test_branches.py",
    "opening/lookup.py": "test_client.py",
    "opening/map_records.py": "opening/test_map_results.py",
    "process/lazy_front.py": "test_import.py",
    "sealing/layout.py": "sealing/test_plan.py",
    "sealing/rehearsal.py": "local/test_engine.py",
    "sealing/sealer.py": "test_client.py",
    "sinks/embedded_metrics.py": "telemetry/test_steps.py",
    "sinks/from_environment.py": "telemetry/test_steps.py",
    "sinks/json_log.py": "telemetry/test_steps.py",
    "sinks/tracing.py": "telemetry/test_steps.py",
    "state_data_manager.py": "manager/actions/test_handler.py",
    "store/background.py": "test_client.py",
    "store/native_client.py": "store/test_object_storage.py",
    "store/object_storage_client.py": "store/test_object_storage.py",
    "store/object_storage_errors.py": "store/test_object_storage.py",
    "store/object_versions.py": "store/test_recovery.py",
    "telemetry/log_warnings.py": "telemetry/test_observe_page.py",
    "telemetry/stub_aware.py": "telemetry/test_steps.py",
    "testing/process.py": "opening/test_process_memory.py",
    "upkeep/encrypting.py": "upkeep/test_repair.py",
    "upkeep/pack_repair.py": "upkeep/test_repair.py",
    "upkeep/objects.py": "upkeep/test_fsck.py",
    "upkeep/outside.py": "upkeep/test_gc.py",
    "upkeep/places.py": "upkeep/test_gc.py",
    "upkeep/remembered_pack.py": "upkeep/test_repair.py",
    "upkeep/references.py": "upkeep/test_gc.py",
}
"""Modules of the engine, and no others, that have their test in a file of another name."""


def test_each_module_has_a_test_beside_it_or_is_tried_by_one_that_is_named():
    alone = set()
    for module in MODULES:
        place = module.relative_to(SOURCE)
        if not (TESTS / place.parent / f"test_{place.name}").exists():
            alone.add(place.as_posix())
    assert alone == set(TRIED_ELSEWHERE)
    assert all(name.startswith("local/") for name in alone)
    missing = [name for name in TRIED_ELSEWHERE.values() if not (TESTS / name).exists()]
    assert not missing
