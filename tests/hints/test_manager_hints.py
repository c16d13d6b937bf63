"""The hints of the state data manager: each is tried, and what it says works."""

import hashlib
import json

import pytest

from statebag import Policy, Statebag
from statebag.manager.settings import ManagerSettings, manager_settings
from statebag.state_data_manager import lambda_handler
from statebag.store.file import FileStore
from tests.hints.trial import Trial, check_trial

ID = "m/e"
STATE = {"execution_id": ID, "current_state": {"a": 1}}
KEY_OF_32 = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


def call(world, action, **event):
    world.setenv("STATEBAG_STORE", world.folder.as_uri())
    return lambda_handler({"action": action, **event})


def merge(world, **result):
    return call(world, "update_and_compress", state_data=STATE, execution_result=result)


def join(world, *results, **event):
    return call(
        world, "aggregate_branches", state_data=STATE, parallel_results=list(results), **event
    )


def branch(name, value, **more):
    return {"branch_id": name, "status": "COMPLETE", "final_state": {"a": value}, **more}


def fork(world, identity=None):
    bag = call(world, "create_snapshot", state_data=STATE, snapshot_type="pre")
    return join(world, branch("p", 2, fork=identity or bag["snapshot_id"]))


def chunks(world, results):
    return call(world, "aggregate_distributed", state_data=STATE, distributed_results=results)


def hydrate(world, pointer, **state):
    return call(world, "hydrate_branch", branch_pointer=pointer, state_data={**STATE, **state})


def restore(world, make):
    made = call(world, "create_snapshot", state_data=STATE, snapshot_type="pre")
    return call(world, "restore_snapshot", snapshot_s3_path=make(made))


def segment(world, digest):
    manifest = json.dumps([{"segment_id": 0}]).encode()
    FileStore(world.folder).put("one.json", manifest)
    pointer = {
        "segment_index": 0,
        "manifest_s3_path": f"{world.folder.as_uri()}/one.json",
    }
    if digest is not None:
        pointer["manifest_hash"] = digest(manifest)
    return call(world, "hydrate_segment", segment_pointer=pointer, state_data=STATE)


def field(world, path):
    return {"type": "s3_reference", "s3_path": f"{world.folder.as_uri()}/{path}", "size_kb": 1}


def archive(world, path):
    return {"type": "history_archive", "s3_path": f"{world.folder.as_uri()}/{path}"}


def put(world, path, value):
    FileStore(world.folder).put(path, json.dumps(value).encode())


def follow(world, *, scope=None, state=None, **policy):
    put(world, "workflow-state/other/x.json", [1])
    store = FileStore(world.folder)
    given = {"x": field(world, "workflow-state/other/x.json")} if state is None else state
    return Statebag(store, policy=Policy(**policy)).open(given, scope=scope, legacy=True)


def follow_two(world, **policy):
    put(world, "n.json", 1)
    return follow(world, state={name: field(world, "n.json") for name in "xy"}, **policy)


def history(world, *, older):
    put(world, "a.json", [archive(world, older), 2])
    put(world, "b.json", [1])
    return follow(world, state={"state_history": [archive(world, "a.json"), 3]})


def settings(world, wire, **variables):
    if wire is not None:
        world.setenv("STATEBAG_WIRE", wire)
    for name, value in variables.items():
        world.setenv(f"STATEBAG_{name}", value)
    return manager_settings()


TRIALS = [
    Trial(
        "Pass the snapshot_id of a snapshot of this execution, or leave fork out.",
        lambda w: fork(w, "0" * 32),
        lambda w: (fork(w), join(w, branch("p", 2))),
    ),
    Trial(
        "Pass a list, an object with segment_results, or a Map's ResultWriterDetails.",
        lambda w: chunks(w, "done"),
        lambda w: (
            chunks(w, [{"status": "COMPLETE"}]),
            chunks(w, {"segment_results": [{"status": "COMPLETE"}]}),
        ),
    ),
    Trial(
        "Give it {}, or pass the state that holds the list.",
        lambda w: hydrate(w, {"branch_index": 0}),
        lambda w: (
            put(w, "list.json", [{"b": 1}]),
            hydrate(w, {"branch_index": 0, "branches_s3_path": f"{w.folder.as_uri()}/list.json"}),
            hydrate(w, {"branch_index": 0}, forked_branches=[{"b": 1}]),
        ),
    ),
    Trial(
        "Pass $$.Execution.Id there, or an idempotency_key, in the event or its state.",
        lambda w: call(w, "create_snapshot", state_data={"n": 1}, snapshot_type="pre"),
        lambda w: [
            call(w, "create_snapshot", state_data={"n": 1, **more}, snapshot_type="pre", **beside)
            for more, beside in (
                ({"execution_id": ID}, {}),
                ({}, {"execution_id": ID}),
                ({"idempotency_key": "k"}, {}),
            )
        ],
    ),
    Trial(
        "Pass the snapshot_s3_path that create_snapshot returned, or its whole answer.",
        lambda w: restore(w, lambda _: 1),
        lambda w: (
            restore(w, lambda made: made["snapshot_s3_path"]),
            restore(w, lambda made: made),
        ),
    ),
    Trial(
        "Add its folder to Policy.readable_scopes if this reader should see it.",
        lambda w: follow(w, scope=ID),
        lambda w: follow(w, scope=ID, readable_scopes=("workflow-state/other",)),
    ),
    Trial(
        "Unset STATEBAG_REQUIRE_SIGNATURES (Policy.require_signatures) until no such pointer is"
        " left.",
        lambda w: (
            w.setenv("STATEBAG_SIGNING_KEYS", f"one:{KEY_OF_32}"),
            follow(w, require_signatures=True),
        ),
        lambda w: (w.setenv("STATEBAG_SIGNING_KEYS", f"one:{KEY_OF_32}"), follow(w)),
    ),
    Trial(
        "Raise Policy.max_open_blobs and Policy.max_open_requests.",
        lambda w: follow_two(w, max_open_blobs=1),
        follow_two,
    ),
    Trial(
        "Restore the state from an earlier snapshot: an archive was replaced.",
        lambda w: history(w, older="a.json"),
        lambda w: history(w, older="b.json"),
    ),
    Trial(
        "Give the SHA-256 of the manifest's bytes, or leave manifest_hash out.",
        lambda w: segment(w, lambda data: hashlib.sha256(data).hexdigest()[:16]),
        lambda w: (segment(w, lambda data: hashlib.sha256(data).hexdigest()), segment(w, None)),
    ),
    Trial(
        "Use {}.",
        lambda w: join(w, branch("p", 1), merge_rules={"a": "newest"}),
        lambda w: [
            join(w, branch("p", 1), merge_rules={"a": rule})
            for rule in ("last", "append", "union", "error")
        ],
    ),
    Trial(
        "Give the field the rule last, append or union.",
        lambda w: join(w, branch("p", [1]), branch("q", [2]), merge_rules={"a": "error"}),
        lambda w: [
            join(w, branch("p", [1]), branch("q", [2]), merge_rules={"a": rule})
            for rule in ("last", "append", "union")
        ],
    ),
    Trial(
        "Unset STATEBAG_WIRE, or unset STATEBAG_REQUIRE_SIGNATURES.",
        lambda w: settings(w, "0", REQUIRE_SIGNATURES="1"),
        lambda w: (
            settings(w, None, REQUIRE_SIGNATURES="1"),
            w.unset("STATEBAG_REQUIRE_SIGNATURES"),
            settings(w, "0"),
        ),
    ),
    Trial(
        "Unset STATEBAG_WIRE, or unset STATEBAG_ENCRYPTION_KEYS.",
        lambda w: settings(w, "0", ENCRYPTION_KEYS=KEY_OF_32),
        lambda w: (
            settings(w, None, ENCRYPTION_KEYS=KEY_OF_32),
            w.unset("STATEBAG_ENCRYPTION_KEYS"),
            settings(w, "0"),
        ),
    ),
    Trial(
        "Set STATEBAG_WIRE to 0 while older functions read the state, else unset it.",
        lambda w: settings(w, "2"),
        lambda w: (settings(w, "0"), w.unset("STATEBAG_WIRE"), settings(w, None)),
    ),
    Trial(
        "Use one of the classes {}, or a built-in status.",
        lambda _: ManagerSettings(statuses=("MINE=unknown",)),
        lambda _: ManagerSettings(statuses=("MINE=done", "YOURS=COMPLETE")),
    ),
    Trial(
        "Use {}, in any case, or give the result a next_action."
        " STATEBAG_STATUSES can add statuses.",
        lambda w: merge(w, status="ODD"),
        lambda w: (
            merge(w, status="complete"),
            merge(w, status="ODD", next_action="COMPLETE"),
            w.setenv("STATEBAG_STATUSES", "ODD=done"),
            merge(w, status="ODD"),
        ),
    ),
    Trial(
        "Use {}. STATEBAG_NEXT_ACTIONS can add next actions.",
        lambda w: merge(w, next_action="ODD"),
        lambda w: (
            merge(w, next_action="COMPLETE"),
            w.setenv("STATEBAG_NEXT_ACTIONS", "ODD"),
            merge(w, next_action="ODD"),
        ),
    ),
    Trial(
        "Remove it from STATEBAG_STATUSES: its class is {}.",
        lambda w: settings(w, None, STATUSES="COMPLETE=failed"),
        lambda w: settings(w, None),
    ),
]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint[:60])
def test_a_hint_is_given_and_what_it_says_works(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
