"""Every hint of the core, the command line and lint is tried, or says why it cannot be."""

import ast
from importlib import import_module
from pathlib import Path

import statebag

SOURCE = Path(statebag.__file__).parent
TESTS = Path(__file__).parents[1]

ROOMS_TO_COME = (
    "local/",
    *("store/aws_", "store/azure_", "store/google_", "store/bucket_"),
    "store/conditional_delete",
    *("store/object_", "store/owned_listing", "store/chunked_listing", "store/companion_"),
    *("store/live_connection", "store/range_reads"),
)
"""Modules whose hints have tests beside them, mostly with a service that refuses a request."""

TRIED_OF_THEM = {"local/settings_file.py"}
"""Modules of these rooms whose hints are tried already."""

IN_OTHER_TESTS = {
    "Name one, run_workflow('template.yaml'), or write `template` into statebag.toml.": (
        "testing/test_pytest_plugin.py"
    ),
    "Ask for it with a limit above {} bytes.": "ui/test_state_tree.py",
    "Look at the state of another event.": "ui/test_state_tree.py",
    "Set Policy.preview_bytes (STATEBAG_PREVIEW_BYTES) to 0.": "sealing/test_previews.py",
    "Choose one that the head's page lists: others were deleted.": "ui/test_seen_head.py",
    "`statebag heads` lists those that exist.": "ui/test_seen_head.py",
    "`statebag heads` lists them: @heads/<scope>/@<name>/@head": "ui/test_seen_head.py",
    "Look at the event before or after it.": "ui/test_seen_execution.py",
    "Name another with --port, or leave it out for a free one.": "ui/test_page_server.py",
    "Name the folder of the run with --histories.": "cli/test_recorded.py",
    "`statebag log` lists them. Name an execution on AWS by its ARN: "
    "arn:aws:states:<region>:<account>:execution:<state machine>:<name>.": "cli/test_executions.py",
    "Write more of the name. Among them are {}.": "cli/test_recorded.py",
    "Make it writable, or run `statebag lint` without --fix": "lint/test_fixing.py",
    "Keep the definition in a JSON file that DefinitionUri names, or make the changes that"
    " `statebag lint` lists by hand": "lint/test_fixing.py",
    "Edit it, or pass --force.": "cli/test_init_cmd.py",
    "aws stepfunctions list-executions --map-run-arn ARN lists them; `statebag log` lists those of"
    " this machine.": "asl/test_arns.py",
    "Look in the log group of its state machine (CloudWatch Logs); with logging at level ALL it "
    "has the same events, and with execution data included, the payloads.": ("asl/test_arns.py"),
    "Install the extra: pip install 'statebag[{}]'": "cli/test_extras.py",
    "Install the extra: pip install 'statebag[encryption]'": "store/test_encrypted.py",
    "Install its wheel from PyPI, or one built with OpenSSL 3.2 or later; Policy(forms=2),"
    " STATEBAG_FORMS=2, writes the older form.": "store/test_block_cipher.py",
    "Install the extra: pip install 'statebag[langgraph]'": "integrations/test_absence.py",
    "Other savers: call move_threads with the saver.": "integrations/test_langgraph_move.py",
    "Let fewer writers write to one {} at a time.": "integrations/test_langgraph.py",
    "Make room there, or name another folder in TMPDIR.": "history/test_payload_texts.py",
    "Correct {} or AWS_SSE_CUSTOMER_KEY_BASE64.": "store/test_sdk_client.py",
    "{}, or change what needs botocore (docs/stores.md).": "store/test_sdk_client.py",
    "Declare it as a field.": "values/test_record_origins.py",
    "Give each field its own names (alias, validate_by_name).": "values/test_record_fields.py",
    "Give the member its own model, and read the value from there.": (
        "values/test_record_fields.py"
    ),
    "Give the model a field of type bytes with UTF-8 in it, or of type str.": (
        "values/test_state_record.py"
    ),
    "Read the members as they are, and change them in the function.": (
        "values/test_record_origins.py"
    ),
    "Use a list, a dict or a class with fields instead.": "values/test_state_record.py",
    "Give it a name, such as 'state.json'.": "integrations/test_strands.py",
    "Run `serverless package`, then name {}.": "asl/test_source_files.py",
    "Run `cdk synth`, then name {}.": "asl/test_source_files.py",
    "Name the definition's file (*.asl.json), and a handler for each function.": (
        "asl/test_source_files.py"
    ),
    "Give each of its fields a value, or register encode= and decode= for it.": (
        "values/test_comes_back.py"
    ),
    "Install the extra: pip install 'statebag[metrics]'": "sinks/test_from_environment.py",
    "Install the extra: pip install 'statebag[tracing]'": "sinks/test_from_environment.py",
    "pip install boto3": "stepfunctions/test_execution_ends.py",
    "pip install boto3 (a Lambda has it).": "stepfunctions/test_workflows.py",
    "Set {} here too, with the key that came first there; a pickle does not hold the keys of an"
    " environment.": "test_pickling.py",
    "Begin it in the process that uses it.": "process/test_forking.py",
    "Install a newer statebag here: readers are upgraded first.": "test_rolling_upgrade.py",
    "Install {} here, then redrive the execution: readers are upgraded first.": (
        "test_rolling_upgrade.py"
    ),
    "A newer generation needs a newer release.": "test_rolling_upgrade.py",
    "Upgrade this library.": "upkeep/test_archive.py",
    "Set STATEBAG_SIGNING_KEYS, the same in both functions.": "integrations/test_durable.py",
    "Call serdes.across().read(event).": "integrations/test_durable.py",
    "Set STATEBAG_SIGNING_KEYS, the same for all workers and clients.": (
        "integrations/test_temporal.py"
    ),
    "Look up the driver by the name that is stored with the claim.": (
        "integrations/test_temporal.py"
    ),
    "Pass all drivers of the workers to PayloadEndpoints.": "integrations/test_temporal.py",
    "It was sealed by something other than this driver.": "integrations/test_temporal.py",
    "Another program sealed it, or a newer release of statebag.": (
        "integrations/test_exact_text.py"
    ),
    "Pass what project_key_for_directory returns, and the session's ID.": (
        "integrations/test_claude.py"
    ),
    "Seal fewer or smaller values at once, or give this process more memory.": (
        "sealing/test_sealer.py"
    ),
    "{} other places had it, none of them intact | {}": "store/test_recovery.py",
}
"""Hints that a test of another kind follows: a package, another release, another process."""


def text_of(node):
    """The words of a hint as `Trial.hint` has them."""
    match node:
        case ast.Constant(value):
            return str(value)
        case ast.JoinedStr(values):
            return "".join(map(text_of, values))
        case ast.BinOp(left, _, right):
            return text_of(left) + text_of(right)
        case ast.IfExp(_, body, other):
            return f"{text_of(body)} | {text_of(other)}"
    return "{}"


def hints():
    """Every hint in the source; one that is not a text there, as `{}` and the expression."""
    for file in SOURCE.rglob("*.py"):
        place = file.relative_to(SOURCE).as_posix()
        if place.startswith(ROOMS_TO_COME) and place not in TRIED_OF_THEM:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg == "hint":
                    text = text_of(keyword.value)
                    yield text if text != "{}" else "{} " + ast.unparse(keyword.value)


def test_every_hint_is_tried():
    tables = Path(__file__).parent.glob("test_*_hints.py")
    modules = [
        import_module(f"tests.hints.{one.stem}") for one in tables if one.stem != "test_all_hints"
    ]
    tried = {one.hint for module in modules for one in module.TRIALS}
    found = set(hints())
    assert len(found) > 90
    assert found - tried - IN_OTHER_TESTS.keys() == set()
    assert (tried | IN_OTHER_TESTS.keys()) - found == set(), "no error gives these any more"


def test_the_other_tests_are_there():
    assert [name for name in IN_OTHER_TESTS.values() if not (TESTS / name).exists()] == []
