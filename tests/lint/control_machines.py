"""Machines of the kinds that an agent's workflow has, and functions for them."""

import random

import statebag
from statebag.format.names import scope_of_execution
from statebag.state_data_manager import lambda_handler

RETRY = [{"ErrorEquals": ["StoreUnavailable"], "MaxAttempts": 2}]
ID = {"execution_id.$": "$$.Execution.Id"}
DATA_ID = {"execution_id": "{% $states.context.Execution.Id %}"}
START = {"segment_to_run": 0, "total_segments": 9, "current_state": {"route": "ok"}}
ENDS = {"Good": {"Type": "Succeed"}, "Bad": {"Type": "Fail", "Error": "Wrong"}}


def words(size, seed):
    return "".join(random.Random(seed).choices("abcdefgh ", k=size))


# So many small fields that they leave together, with all that no setting names.
SMALL_FIELDS = {f"field_{n}": words(30, n) for n in range(3000)}


def later(state):
    """The state after one segment: large, and small in so many fields that these leave too."""
    turn = state.get("segment_to_run", 0) + 1
    return {
        **state,
        **SMALL_FIELDS,
        "segment_to_run": turn,
        "next_action": "CONTINUE" if turn < 2 else "COMPLETE",
        "doc": words(60_000, turn),
        "wait": 0,
        "labels": {"route": "ok"},
        "current_state": {"route": "ok", **SMALL_FIELDS, "doc": words(50_000, turn + 9)},
        "pending_branches": [{"number": 0, "kind": "left"}, {"number": 1, "kind": "right"}],
    }


@statebag.step(bag_path="$.state_data")
def work(state, context):
    return later(state)


@statebag.step
def work_in_envelope(event, context):
    """Seals all that it returns."""
    state = later(event["state_data"])
    return {"state_data": state, "next_action": state["next_action"], **SMALL_FIELDS}


def work_and_seal(event, context):
    """Seals the state alone, in the object that it returns."""
    scope = scope_of_execution(event["execution_id"])
    sb = statebag.Statebag().with_control("execution_id")
    state = later(sb.open(event["state_data"], scope=scope))
    return {"state_data": sb.seal(state, scope=scope), "note": "done"}


@statebag.step(bag_path="$.state_data")
def segment(state, context):
    """A segment's result, for the state data manager to merge."""
    turn = state.get("segment_to_run", 0)
    return {
        "status": "CONTINUE" if turn < 2 else "COMPLETE",
        "final_state": {"doc": words(60_000, turn), "route": "ok", **SMALL_FIELDS},
        "new_history_logs": [{"turn": turn, "text": words(400, turn)}],
        "next_segment_to_run": turn + 1,
        **SMALL_FIELDS,
    }


@statebag.step
def forks(event, context):
    branches = [{"branch_id": name, "nodes": [words(20_000, n)]} for n, name in enumerate("ab")]
    return {"next_action": "PARALLEL_GROUP", "branches": branches}


FUNCTIONS = {
    "manager": lambda_handler,
    "work": work,
    "work_in_envelope": work_in_envelope,
    "work_and_seal": work_and_seal,
    "segment": segment,
    "forks": forks,
}


def invoke(function, payload=None, **more):
    payload = {"state_data.$": "$.state_data"} if payload is None else payload
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {**ID, **payload}},
        "Retry": RETRY,
        **more,
    }


def invoked(function, payload=None, **more):
    """The same in JSONata."""
    payload = {"state_data": "{% $states.input.state_data %}"} if payload is None else payload
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": {**DATA_ID, **payload}},
        "Retry": RETRY,
        **more,
    }


def if_equal(variable, value, following, otherwise="Bad"):
    rule = {"Variable": variable, "StringEquals": value, "Next": following}
    return {"Type": "Choice", "Choices": [rule], "Default": otherwise}


def if_true(condition, following, otherwise="Bad"):
    rule = {"Condition": f"{{% {condition} %}}", "Next": following}
    return {"Type": "Choice", "Choices": [rule], "Default": otherwise}


def paths(start, **states):
    return {"StartAt": start, "States": {**states, **ENDS}}


def data(start, **states):
    return {"QueryLanguage": "JSONata", **paths(start, **states)}


TAKE = {"state_data.$": "$.Payload"}
MERGED = {"state_data.$": "$.Payload.state_data", "next_action.$": "$.Payload.next_action"}
SYNC = {
    "action": "sync",
    "state_data.$": "$.state_data",
    "execution_result.$": "$.execution.result",
}
DATA_SYNC = {"action": "sync", "state_data": "{% $s %}", "execution_result": "{% $r %}"}


def mapped(first, last, **more):
    """A Map in JSONPath with two states, the second of which reads the state."""
    return {
        "Type": "Map",
        "ItemsPath": "$.state_data.pending_branches",
        "ItemSelector": {"branch.$": "$$.Map.Item.Value", "state_data.$": "$.state_data"},
        "ItemProcessor": {"StartAt": "First", "States": {"First": first, **last}},
        "ResultPath": "$.mapped",
        **more,
    }


def distributed(state):
    """A Map whose iterations are executions."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {**state, "ItemProcessor": {"ProcessorConfig": config, **state["ItemProcessor"]}}


MACHINES = {
    "the main loop of a kernel": paths(
        "Segment",
        Segment=invoke(
            "segment",
            ResultSelector={"result.$": "$.Payload"},
            ResultPath="$.execution",
            Next="Sync",
        ),
        Sync=invoke("manager", SYNC, ResultSelector=MERGED, Next="Turn"),
        Turn=if_equal("$.state_data.next_action", "COMPLETE", "Route", "Segment"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "the main loop, with the result of each step next to the state": paths(
        "Segment",
        Segment=invoke(
            "segment",
            ResultSelector={"result.$": "$.Payload"},
            ResultPath="$.execution",
            Next="Status",
        ),
        Status=if_equal("$.execution.result.status", "COMPLETE", "Good", "Sync"),
        Sync=invoke("manager", SYNC, ResultPath="$.sync", Next="Take"),
        Take={
            "Type": "Pass",
            "Parameters": {"state_data.$": "$.sync.Payload.state_data"},
            "Next": "Segment",
        },
    ),
    "the main loop in JSONata, with the state in a variable": data(
        "Begin",
        Begin={
            "Type": "Pass",
            "Assign": {"s": "{% $states.input.state_data %}"},
            "Next": "Segment",
        },
        Segment=invoked(
            "segment",
            {"state_data": "{% $s %}"},
            Assign={"r": "{% $states.result.Payload %}"},
            Output={},
            Next="Sync",
        ),
        Sync=invoked(
            "manager",
            DATA_SYNC,
            Assign={
                "s": "{% $states.result.Payload.state_data %}",
                "next": "{% $states.result.Payload.next_action %}",
            },
            Output={},
            Next="Turn",
        ),
        Turn=if_true("$next = 'COMPLETE'", "Route", "Segment"),
        Route=if_true("$s.current_state.route = 'ok'", "Good"),
    ),
    "a state alone in each answer": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Turn"),
        Turn=if_equal("$.state_data.next_action", "COMPLETE", "Route", "Work"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "a function that seals its whole answer": paths(
        "Work",
        Work=invoke("work_in_envelope", OutputPath="$.Payload", Next="Turn"),
        Turn=if_equal("$.state_data.next_action", "COMPLETE", "Route", "Work"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "a function that seals the state in its answer": paths(
        "Work",
        Work=invoke("work_and_seal", OutputPath="$.Payload", Next="Turn"),
        Turn=if_equal("$.state_data.next_action", "COMPLETE", "Route", "Work"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "a function that is given the whole input": paths(
        "Begin",
        Begin={
            "Type": "Pass",
            "Parameters": {**ID, "state_data.$": "$.state_data"},
            "Next": "Work",
        },
        Work={
            **invoke("work_and_seal", OutputPath="$.Payload", Next="Turn"),
            "Parameters": {"FunctionName": "work_and_seal", "Payload.$": "$"},
        },
        Turn=if_equal("$.state_data.next_action", "CONTINUE", "Good"),
    ),
    "both kinds of functions, by turns": paths(
        "One",
        One=invoke("work_in_envelope", OutputPath="$.Payload", Next="Turn"),
        Two=invoke("work", ResultSelector=TAKE, Next="Turn"),
        Turn=if_equal("$.state_data.next_action", "COMPLETE", "Route", "Two"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "envelopes that nobody unpacks": paths(
        "Work",
        Work=invoke("work", ResultPath="$.answer", Next="Again"),
        Again=invoke(
            "work", {"state_data.$": "$.answer.Payload"}, ResultPath="$.answer", Next="Turn"
        ),
        Turn=if_equal("$.answer.Payload.next_action", "COMPLETE", "Good"),
    ),
    "a result inside the state": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Note"),
        Note={"Type": "Pass", "Result": "seen", "ResultPath": "$.state_data.note", "Next": "Turn"},
        Turn=if_equal("$.state_data.next_action", "CONTINUE", "Seen"),
        Seen=if_equal("$.state_data.note", "seen", "Good"),
    ),
    "a Map over the branches of a state": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Each"),
        Each=mapped(
            invoke("work", ResultSelector=TAKE, Next="Route"),
            {
                "Route": if_equal("$.state_data.current_state.route", "ok", "Done", "No"),
                "Done": {"Type": "Pass", "Result": "done", "End": True},
                "No": ENDS["Bad"],
            },
            Next="Good",
        ),
    ),
    "a Choice over the states that a Map returned": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Each"),
        Each=mapped(invoke("work", ResultSelector=TAKE, End=True), {}, Next="Turn"),
        Turn=if_equal("$.mapped[1].state_data.next_action", "COMPLETE", "Good"),
    ),
    "a selector over the states that a Map returned": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Each"),
        Each=mapped(
            invoke("work", OutputPath="$.Payload", End=True),
            {},
            ResultSelector={"next.$": "$[*].next_action"},
            Next="Turn",
        ),
        Turn=if_equal("$.mapped.next[0]", "COMPLETE", "Good"),
    ),
    "a Parallel whose branches are read": paths(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Left",
                    "States": {"Left": invoke("work", ResultSelector=TAKE, End=True)},
                },
                {
                    "StartAt": "Right",
                    "States": {"Right": invoke("work", OutputPath="$.Payload", End=True)},
                },
            ],
            "ResultSelector": {"left.$": "$[0]", "right.$": "$[1]"},
            "ResultPath": "$.both",
            "Next": "Turn",
        },
        Turn=if_equal("$.both.left.state_data.next_action", "CONTINUE", "Route"),
        Route=if_equal("$.both.right.current_state.route", "ok", "Good"),
    ),
    "a fork of the state data manager, and each of its branches": paths(
        "Forks",
        Forks=invoke(
            "forks", ResultSelector={"result.$": "$.Payload"}, ResultPath="$.execution", Next="Sync"
        ),
        Sync=invoke("manager", SYNC, ResultSelector=MERGED, Next="Each"),
        Each=mapped(
            invoke(
                "manager",
                {
                    "action": "hydrate_branch",
                    "branch_pointer.$": "$.branch",
                    "branch_index.$": "$.branch.branch_index",
                    "state_data.$": "$.state_data",
                },
                ResultSelector={"name.$": "$.Payload.branch_config.branch_id"},
                End=True,
            ),
            {},
            Next="Turn",
        ),
        Turn=if_equal("$.mapped[1].name", "b", "Work"),
        Work=invoke("work", ResultSelector=TAKE, Next="Route"),
        Route=if_equal("$.state_data.current_state.route", "ok", "Good"),
    ),
    "a Map inside of a branch of a Parallel": paths(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Work",
                    "States": {
                        "Work": invoke("work", ResultSelector=TAKE, Next="Each"),
                        "Each": mapped(
                            invoke("work", ResultSelector=TAKE, Next="Wait"),
                            {
                                "Wait": {
                                    "Type": "Wait",
                                    "SecondsPath": "$.state_data.wait",
                                    "End": True,
                                }
                            },
                            ResultSelector={"first.$": "$[0].state_data.segment_to_run"},
                            End=True,
                        ),
                    },
                },
            ],
            "Next": "Turn",
        },
        Turn={
            "Type": "Choice",
            "Choices": [{"Variable": "$[0].mapped.first", "NumericEquals": 2, "Next": "Good"}],
            "Default": "Bad",
        },
    ),
    "objects that JSONPath merges": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, ResultPath="$.answer", Next="Merge"),
        Merge={
            "Type": "Pass",
            "Parameters": {"all.$": "States.JsonMerge($, $.answer, false)"},
            "OutputPath": "$.all",
            "Next": "Turn",
        },
        Turn=if_equal("$.state_data.next_action", "CONTINUE", "Good"),
    ),
    "an item that an intrinsic function takes, and a filter": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Take"),
        Take={
            "Type": "Pass",
            "Parameters": {
                "first.$": "States.ArrayGetItem($.state_data.pending_branches, 0)",
                "right.$": "$.state_data.pending_branches[?(@.kind == 'right')]",
                "state_data.$": "$.state_data",
            },
            "Next": "First",
        },
        First=if_equal("$.first.kind", "left", "Right"),
        Right=if_equal("$.right[0].kind", "right", "Good"),
    ),
    "several fields at once": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Take"),
        Take={
            "Type": "Pass",
            "Parameters": {"both.$": "$.state_data['next_action', 'wait']"},
            "Next": "First",
        },
        First=if_equal("$.both[0]", "CONTINUE", "Good"),
    ),
    "a group in JSONata, and a function over items": data(
        "Work",
        Work=invoked("work", Output={"state_data": "{% $states.result.Payload %}"}, Next="Group"),
        Group={
            "Type": "Pass",
            "Output": {
                "by": "{% $states.input.state_data.pending_branches{kind: number} %}",
                "kinds": (
                    "{% $map($states.input.state_data.pending_branches, function($b){$b.kind}) %}"
                ),
            },
            "Next": "Turn",
        },
        Turn=if_true("$states.input.by.right = 1 and $states.input.kinds[0] = 'left'", "Good"),
    ),
    "branches of a Parallel, kept in variables": data(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Left",
                    "States": {
                        "Left": invoked(
                            "work", Output={"s": "{% $states.result.Payload %}"}, End=True
                        )
                    },
                },
                {
                    "StartAt": "Right",
                    "States": {
                        "Right": invoked("work", Output="{% $states.result.Payload %}", End=True)
                    },
                },
            ],
            "Assign": {"left": "{% $states.result[0].s %}", "right": "{% $states.result[1] %}"},
            "Output": {},
            "Next": "Turn",
        },
        Turn=if_true("$left.labels.route = 'ok' and $right.next_action = 'CONTINUE'", "Good"),
    ),
    "children of a Distributed Map": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Each"),
        Each=distributed(
            mapped(
                if_equal("$.state_data.labels.route", "ok", "Done", "No"),
                {
                    "Done": {
                        "Type": "Pass",
                        "Parameters": {"next.$": "$.state_data.next_action"},
                        "End": True,
                    },
                    "No": ENDS["Bad"],
                },
                Next="Turn",
            )
        ),
        Turn=if_equal("$.mapped[0].next", "CONTINUE", "Good"),
    ),
    "a variable in JSONPath": paths(
        "Work",
        Work=invoke("work", Assign={"kept.$": "$.Payload"}, ResultPath=None, Next="Turn"),
        Turn=if_equal("$kept.next_action", "CONTINUE", "Again"),
        Again=invoke("work", {"state_data.$": "$kept"}, OutputPath="$.Payload", Next="Route"),
        Route=if_equal("$.current_state.route", "ok", "Good"),
    ),
    "a part of the state that goes on alone": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Part"),
        Part={"Type": "Pass", "InputPath": "$.state_data.current_state", "Next": "Route"},
        Route=if_equal("$.route", "ok", "Good"),
    ),
    "an error next to the state": paths(
        "Work",
        Work=invoke("work", ResultSelector=TAKE, Next="Fails"),
        Fails=invoke(
            "work",
            {"state_data": {"segment_to_run": "no number"}},
            Catch=[{"ErrorEquals": ["TypeError"], "ResultPath": "$.error", "Next": "Turn"}],
            Next="Bad",
        ),
        Turn=if_equal("$.state_data.next_action", "CONTINUE", "Good"),
    ),
    "objects that JSONata merges": data(
        "Work",
        Work=invoked(
            "work",
            Output="{% $merge([$states.input, {'state_data': $states.result.Payload}]) %}",
            Next="Turn",
        ),
        Turn=if_true("$states.input.state_data.next_action = 'COMPLETE'", "Route", "Work"),
        Route=if_true("$states.input.state_data.current_state.route = 'ok'", "Good"),
    ),
    "a part of the state that is merged, and one that is appended to": data(
        "Work",
        Work=invoked("work", Output={"state_data": "{% $states.result.Payload %}"}, Next="Merge"),
        Merge={
            "Type": "Pass",
            "Output": {
                "part": "{% $merge([$states.input.state_data.labels, {'seen': true}]) %}",
                "all": "{% $append($states.input.state_data.pending_branches, {'number': 2}) %}",
            },
            "Next": "Turn",
        },
        Turn=if_true("$count($states.input.all) = 3 and $states.input.part.route = 'ok'", "Good"),
    ),
    "an object that JSONata changes": data(
        "Work",
        Work=invoked(
            "work",
            Output="{% $states.input ~> |$|{'state_data': $states.result.Payload}| %}",
            Next="Turn",
        ),
        Turn=if_true("$states.input.state_data.next_action = 'COMPLETE'", "Good", "Work"),
    ),
    "one of two objects": data(
        "Work",
        Work=invoked(
            "work",
            Output=("{% $exists($states.result) ? {'state_data': $states.result.Payload} : {} %}"),
            Next="Turn",
        ),
        Turn=if_true("$states.input.state_data.next_action = 'CONTINUE'", "Good"),
    ),
    "names that an expression gives": data(
        "Work",
        Work=invoked(
            "work",
            Assign={"k": "{% ($bag := $states.result.Payload; {'of': {'bag': $bag}}) %}"},
            Output={},
            Next="Turn",
        ),
        Turn=if_true("$k.of.bag.next_action = 'CONTINUE'", "Route"),
        Route=if_true("($s := $k.of; $s.bag.current_state.route) = 'ok'", "Good"),
    ),
    "a Map in JSONata, folded": data(
        "Work",
        Work=invoked("work", Output={"state_data": "{% $states.result.Payload %}"}, Next="Each"),
        Each={
            "Type": "Map",
            "Items": "{% $states.input.state_data.pending_branches %}",
            "ItemSelector": {
                "branch": "{% $states.context.Map.Item.Value %}",
                "state_data": "{% $states.input.state_data %}",
            },
            "ItemProcessor": {
                "StartAt": "Again",
                "States": {
                    "Again": invoked(
                        "work", Output="{% {'state_data': $states.result.Payload} %}", Next="Route"
                    ),
                    "Route": if_true(
                        "$states.input.state_data.current_state.route = 'ok'", "Done", "No"
                    ),
                    "Done": {"Type": "Pass", "End": True},
                    "No": ENDS["Bad"],
                },
            },
            "Output": {
                "actions": "{% $states.result.state_data.next_action %}",
                "first": "{% $states.result[0] %}",
            },
            "Next": "Turn",
        },
        Turn=if_true("$count($states.input.actions) = 2", "First"),
        First=if_true("$states.input.first.state_data.segment_to_run = 2", "Good"),
    ),
}
