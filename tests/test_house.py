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
    "store/companion_process.py": "gives a child process its variables",
    "store/companion_server.py": "sets those that the other process asks for",
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

SAME_MODULES: dict[str, str] = {}


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
    "local/expression_worker.py": "local/test_expressions.py",
    "local/interpreter/result_writer.py": "local/interpreter/test_child_results.py",
    "local/interpreter/run_check.py": "local/interpreter/test_field_check.py",
    "testing/ran_workflow.py": "testing/test_pytest_plugin.py",
    "local/loaded_workflow.py": "local/test_workflow.py",
    "local/run_watch.py": "local/test_execution.py",
    "local/sealed_bags.py": "local/test_reads.py",
    "local/transition_log.py": "local/test_execution.py",
    "local/world_contents.py": "local/test_declared_resources.py",
    "local/interpreter/aws_services.py": "local/interpreter/test_service_calls.py",
    "local/interpreter/expression_pool.py": "local/interpreter/test_payload_template.py",
    "local/interpreter/function_calls.py": "local/interpreter/test_task_state.py",
    "local/interpreter/local_world.py": "local/interpreter/test_task_state.py",
    "local/interpreter/machine_program.py": "local/interpreter/test_field_check.py",
    "local/interpreter/map_settings.py": "local/interpreter/test_map_state.py",
    "local/interpreter/state_program.py": "local/interpreter/test_plain_states.py",
    "local/interpreter/state_visit.py": "local/interpreter/test_single_execution.py",
    "local/interpreter/step_functions_api.py": "local/interpreter/test_task_tokens.py",
    "local/interpreter/task_events.py": "local/interpreter/test_task_mocks.py",
    "local/interpreter/task_resource.py": "local/interpreter/test_task_state.py",
    "local/interpreter/variables.py": "local/interpreter/test_parallel_state.py",
    "store/aws_endpoint.py": "store/test_aws_as_the_sdk.py",
    "store/aws_profile.py": "store/test_aws_settings.py",
    "store/aws_sdk.py": "store/test_aws_as_the_sdk.py",
    "store/bucket_region.py": "store/test_aws_settings.py",
    "store/conditional_delete.py": "store/test_aws_as_the_sdk.py",
    "store/content_version.py": "store/test_contract.py",
    "store/owned_listing.py": "store/test_aws_as_the_sdk.py",
    "store/store_refusal.py": "store/test_object_storage.py",
}
"""Modules of the engine and of the SDK's settings, with their test in a file of another name."""


def test_each_module_has_a_test_beside_it_or_is_tried_by_one_that_is_named():
    alone = set()
    for module in MODULES:
        place = module.relative_to(SOURCE)
        if not (TESTS / place.parent / f"test_{place.name}").exists():
            alone.add(place.as_posix())
    assert alone == set(TRIED_ELSEWHERE)
    assert all(name.startswith(("local/", "store/", "testing/")) for name in alone)
    missing = [name for name in TRIED_ELSEWHERE.values() if not (TESTS / name).exists()]
    assert not missing


MOST_LINES = 700
"""Of a module. Most have fewer than 300: a longer one is cut along a seam that has a name."""


def test_no_module_is_long():
    long = {
        one.relative_to(SOURCE).as_posix(): count
        for one in MODULES
        if (count := one.read_text("utf-8").count("\n")) > MOST_LINES
    }
    assert not long
