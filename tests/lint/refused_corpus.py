"""Definitions that AWS refuses; `python -m tests.lint.refused_corpus` counts what lint finds.

Sources: `measured` is an answer of ValidateStateMachineDefinition or CreateStateMachine that was
published (github.com/floci-io/floci issues 2735, 2745, 2968; github.com/localstack/localstack
12487; github.com/ChristopheBougere/asl-validator 17; the project's own measurements), `reference`
the API's list of diagnostics, `guide` the Developer Guide, `specification` the Amazon States
Language.
"""

import json
import sys
import tempfile
from pathlib import Path

from statebag.lint.linter import Options, lint
from tests import shared_data

END = {"End": True}
PASS = {"Type": "Pass", **END}
INNER = {"StartAt": "P", "States": {"P": PASS}}
CONFIG = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
CHILDREN = {"ProcessorConfig": CONFIG, **INNER}
OTHER_CHILDREN = {"ProcessorConfig": CONFIG, "StartAt": "Q", "States": {"Q": PASS}}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
REFUSALS = {"SB001", "SB002", "SB003", "SB005", "SB006", "SB010"}


def task(resource=FUNCTION, **fields):
    return {"Type": "Task", "Resource": resource, **END, **fields}


def each(processor=INNER, **fields):
    return {"Type": "Map", "ItemProcessor": processor, **END, **fields}


def wait(**fields):
    return {"Type": "Wait", **END, **fields}


def choice(**rule):
    return {"Type": "Choice", "Choices": [{"Variable": "$.x", "Next": "E", **rule}]}


def of(state, **machine):
    """A machine whose first state this is; E ends it."""
    states = {"A": state}
    if "End" not in state and state.get("Type") not in {"Fail", "Succeed"}:
        states["E"] = PASS
    return {"StartAt": "A", "States": states, **machine}


def sata(state, **machine):
    return of(state, QueryLanguage="JSONata", **machine)


def states(**named):
    return {"StartAt": next(iter(named)), "States": named}


def _fields_elsewhere():
    """A field on each state type that does not support it (measured: floci issue 2735)."""
    kinds = {
        "Pass": PASS,
        "Wait": wait(Seconds=1),
        "Choice": choice(IsPresent=True),
        "Succeed": {"Type": "Succeed"},
        "Fail": {"Type": "Fail"},
        "Map": each(),
        "Parallel": {"Type": "Parallel", "Branches": [INNER], **END},
    }
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "A"}]
    for kind, state in kinds.items():
        yield "measured", of({**state, "TimeoutSeconds": 5})
        if kind not in {"Map", "Parallel"}:
            yield "measured", of({**state, "Catch": catch})
            yield "measured", of({**state, "Retry": [{"ErrorEquals": ["States.ALL"]}]})


REFUSED = [
    *_fields_elsewhere(),
    # Transitions
    ("measured", states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"})),
    ("measured", states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, C=PASS)),
    ("measured", states(A=PASS, C=PASS)),
    ("measured", states(A={"Type": "Pass", "Next": "None"})),
    ("measured", states(A={**choice(IsPresent=True), "Default": "None"}, E=PASS)),
    ("measured", states(A=choice(IsPresent=True))),
    ("measured", of(task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "None"}]))),
    ("measured", {"StartAt": "None", "States": {"A": PASS}}),
    (
        "reference",
        states(
            A={"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": PASS}}], **END}
        ),
    ),
    # Query languages
    ("measured", of({**PASS, "Output": "{% 1 %}"})),
    ("measured", of(task(Arguments={}))),
    ("measured", of(each(Items=[1]))),
    ("measured", sata({**PASS, "QueryLanguage": "JSONPath"})),
    ("measured", of(each({"QueryLanguage": "JSONata", **INNER}))),
    ("measured", of({"Type": "Map", "Iterator": {"QueryLanguage": "JSONPath", **INNER}, **END})),
    ("measured", of(PASS, QueryLanguage="JMESPath")),
    ("measured", sata({**PASS, "Parameters": {}})),
    ("measured", sata({**PASS, "ResultPath": "$.x"})),
    ("measured", sata({**PASS, "OutputPath": "$.x"})),
    ("measured", sata({**PASS, "InputPath": "$.x"})),
    ("measured", sata(each(ItemsPath="$.x"))),
    # JSONata (measured: floci issue 2745)
    *(
        ("measured", sata({**PASS, "Output": f"{{% {code} %}}"}))
        for code in (
            "a[1,2)",
            '"unterminated',
            "1 +",
            '{"a":}',
            "$x :=",
            '$match("a", /abc',
            "$$",
            "$states.errorOutput",
        )
    ),
    ("measured", sata({**PASS, "Output": "{% 1"})),
    ("measured", sata({**PASS, "Output": {"a": ["1 %}"]}})),
    ("measured", sata(wait(Seconds="{% 1"))),
    ("guide", sata({**PASS, "Assign": {"states": 1}})),
    ("guide", of({**PASS, "Assign": {"a b": 1}})),
    ("guide", of({**PASS, "Assign": {"x" * 81: 1}})),
    # Maps
    ("measured", of(each(CHILDREN, Label="x" * 41))),
    *(("measured", of(each(CHILDREN, Label=f"a{mark}b"))) for mark in ' ?*<>{}[]:;,\\|^~$#%&"'),
    (
        "reference",
        of(
            {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "B", "States": {"B": each(CHILDREN, Label="L")}},
                    {"StartAt": "C", "States": {"C": each(OTHER_CHILDREN, Label="L")}},
                ],
                **END,
            }
        ),
    ),
    ("measured", of(each(CHILDREN, ToleratedFailureCount=1, ToleratedFailureCountPath="$.n"))),
    ("measured", of(each(MaxConcurrency=1, MaxConcurrencyPath="$.n"))),
    (
        "measured",
        of(
            each(
                CHILDREN,
                ItemReader={**READER, "ReaderConfig": {"MaxItems": 1, "MaxItemsPath": "$.n"}},
            )
        ),
    ),
    ("guide", of(each({"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **INNER}))),
    ("guide", of(each({"ProcessorConfig": {"Mode": "OFTEN"}, **INNER}))),
    ("guide", of(each({"ProcessorConfig": {**CONFIG, "ExecutionType": "FAST"}, **INNER}))),
    ("guide", of(each(ItemReader=READER))),
    ("guide", of(each(CHILDREN, ItemReader={**READER, "Resource": "arn:aws:states:::s3:x"}))),
    ("guide", of(each(CHILDREN, ToleratedFailurePercentage=101))),
    ("guide", of(each(CHILDREN, ToleratedFailureCount=-1))),
    ("specification", of({"Type": "Map", "ItemProcessor": INNER, "Iterator": INNER, **END})),
    ("specification", of({"Type": "Map", **END})),
    ("specification", of(each(Parameters={}, ItemSelector={}))),
    ("specification", of(each(ItemsPath=None))),
    ("specification", of(each(MaxConcurrency=-1))),
    # Waits
    *(
        ("measured", of(wait(Timestamp=text)))
        for text in ("2024-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "tomorrow")
    ),
    ("specification", of(wait())),
    ("specification", of(wait(Seconds=1, Timestamp="2024-01-01T00:00:00Z"))),
    ("specification", of(wait(Seconds=-1))),
    ("specification", of(wait(Seconds="1"))),
    # Tasks
    ("measured", of(task(Credentials={}))),
    ("measured", of(task("arn:aws:states:::aws-sdk:s3:makeCoffee"))),
    ("measured", of(task("arn:aws:states:::aws-sdk:coffee:make"))),
    ("measured", of(task("arn:aws:states:::sqs:sendMessage.sync"))),
    ("measured", of(task(INVOKE))),
    (
        "measured",
        of(task(INVOKE, Parameters={"FunctionName": "f", "P": 1, "P.$": "$"})),
    ),
    ("measured", of(task(f"{FUNCTION}:a b"))),
    ("measured", of(task("f"))),
    ("specification", of({"Type": "Task", **END})),
    ("specification", of(task(TimeoutSeconds=0))),
    ("specification", of(task(TimeoutSeconds=5, TimeoutSecondsPath="$.t"))),
    ("specification", of(task(TimeoutSeconds=5, HeartbeatSeconds=6))),
    ("specification", of(task(HeartbeatSeconds=5, HeartbeatSecondsPath="$.t"))),
    ("specification", of(task(Next="A"))),
    # Handlers
    *(
        ("specification", of(task(Retry=[{"ErrorEquals": ["E"], **entry}])))
        for entry in (
            {"BackoffRate": 0.5},
            {"IntervalSeconds": 0},
            {"MaxAttempts": -1},
            {"MaxAttempts": 100_000_000},
            {"JitterStrategy": "SOME"},
            {"MaxDelaySeconds": 0},
            {"ErrorEquals": []},
            {"ErrorEquals": ["States.ALL", "E"]},
        )
    ),
    ("specification", of(task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]))),
    ("specification", of(task(Catch=[{"ErrorEquals": ["E"]}]))),
    ("specification", of(task(Catch=[{"Next": "A"}]))),
    ("specification", of(task(Retry={"ErrorEquals": ["E"]}))),
    # Choices
    ("specification", of({"Type": "Choice", "Choices": []})),
    ("specification", of(choice())),
    ("specification", of(choice(StringEquals="a", NumericEquals=1))),
    ("specification", of(choice(NumericEquals="1"))),
    ("specification", of(choice(BooleanEquals="true"))),
    ("specification", of(choice(TimestampEquals="today"))),
    ("specification", of(choice(IsPresent="yes"))),
    ("specification", of(choice(StringSounds="a"))),
    ("specification", of({"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True}]})),
    ("specification", of({**choice(IsNull=True), "End": True})),
    ("specification", of({"Type": "Choice", "Choices": [{"Not": [], "Next": "E"}]})),
    ("specification", of({"Type": "Choice", "Choices": [{"And": [], "Next": "E"}]})),
    # Paths and calls
    ("specification", of({**PASS, "InputPath": "x"})),
    ("specification", of({**PASS, "InputPath": "States.Array()"})),
    ("specification", of({**PASS, "OutputPath": "$.a["})),
    ("specification", of({**PASS, "ResultPath": "$.a[*]"})),
    ("specification", of({**PASS, "Parameters": {"a.$": "x"}})),
    ("specification", of({**PASS, "Parameters": {"a.$": 1}})),
    ("specification", of({**PASS, "Parameters": {"a.$": "States.Xyz()"}})),
    ("specification", of({**PASS, "Parameters": {"a.$": "States.Format('a', "}})),
    # What every machine has
    ("specification", {"States": {"A": PASS}}),
    ("specification", {"StartAt": "A", "States": {}}),
    ("specification", of({"Type": "Sing", **END})),
    ("specification", of({**END})),
    ("specification", of({"Type": "Pass"})),
    ("specification", of({**PASS, "Next": "A"})),
    ("specification", of({"Type": "Pass", "End": "true"})),
    ("specification", of({"Type": "Succeed", "End": True})),
    ("specification", of({"Type": "Parallel", **END})),
    ("specification", of({"Type": "Parallel", "Branches": [], **END})),
    ("specification", of({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"})),
    ("specification", of({"Type": "Fail", "Cause": "E", "CausePath": "$.e"})),
    ("specification", of({"Type": "Succeed", "ResultPath": "$.x"})),
    ("specification", of({**choice(IsNull=True), "Parameters": {}})),
    ("specification", of({**PASS, "ResultSelector": {}})),
    ("measured", of(PASS, QueryLangage="JSONata")),
    ("specification", of(PASS, TimeoutSeconds=0)),
    ("specification", of(PASS, Version="2.0")),
    ("guide", {"StartAt": "A" * 81, "States": {"A" * 81: PASS}}),
]

REFUSED_EXPRESS = [
    (
        "measured",
        of(
            task("arn:aws:states:::states:startExecution.sync", Parameters={"StateMachineArn": "x"})
        ),
    ),
    (
        "measured",
        of(
            task(
                "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                Parameters={"QueueUrl": "q", "MessageBody": "$$.Task.Token"},
            )
        ),
    ),
    ("guide", of(each(CHILDREN))),
    ("guide", of(task("arn:aws:states:us-east-1:123456789012:activity:a"))),
]


def findings(definition, *, express=False):
    """What lint says of a definition that AWS would refuse for it."""
    document, name = definition, "machine.asl.json"
    if express:
        properties = {"Type": "EXPRESS", "Definition": definition}
        resource = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
        document, name = {"Resources": {"M": resource}}, "template.json"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(json.dumps(document))
        return [one for one in lint([file], Options()).findings if one.code in REFUSALS]


def missed():
    """The refused definitions of which lint says nothing."""
    found = [(source, one, findings(one)) for source, one in REFUSED]
    found += [(source, one, findings(one, express=True)) for source, one in REFUSED_EXPRESS]
    return [(source, one) for source, one, said in found if not said]


def accepted():
    """Each definition that AWS took and ran, once, with its name; none where the data is absent."""
    seen = {}
    for file in shared_data.files("aws-recordings/*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            case = json.loads(line)
            seen.setdefault(json.dumps(case["definition"]), case["id"])
    return [(name, json.loads(text)) for text, name in seen.items()]


def main():
    """Print how many refused ones are found, and how many accepted ones are refused.

    Arguments are folders with more definitions, such as the test data of other tools: those of
    which nothing is said are listed.
    """
    everything = len(REFUSED) + len(REFUSED_EXPRESS)
    lost = missed()
    print(f"refused by AWS: {everything - len(lost)} of {everything} found", *lost, sep="\n  ")
    taken = accepted()
    wrong = [name for name, one in taken if findings(one)]
    print(f"accepted by AWS: {len(wrong)} of {len(taken)} refused", *wrong, sep="\n  ")
    for folder in sys.argv[1:]:
        for file in sorted(Path(folder).glob("*.json")):
            told = [one for one in lint([file], Options()).findings if one.code in REFUSALS]
            print(f"{'refused' if told else 'taken':8}{file.name}")


if __name__ == "__main__":
    main()
