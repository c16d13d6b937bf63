"""A step in an interpreter of its own, by whichever statebag its PYTHONPATH has first.

Reads a line of JSON for each call, `{"event", "change"}`, and prints one: `{"bag"}` or `{"error"}`.
"""

import json
import sys

import statebag


@statebag.step(bag_path="$.state")
def changed(state, context):
    for key, value in context["set"].items():
        state[key] = value
    for key, items in context["append"].items():
        state[key] = [*state.get(key, []), *items]
    for key, (at, value) in context["edit"].items():
        state[key][at] = value
    return state


@statebag.step(bag_path="$.state", returns="delta", only=["turn"])
def passed_on(state, context):
    return {"turn": state["turn"] + 1}


def main():
    print(json.dumps({"from": statebag.__file__}), flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        try:
            if call["change"] is None:
                answer = {"bag": passed_on(call["event"], None)}
            elif call["change"] == "open":
                scope = call["event"]["execution_id"]
                answer = {"state": statebag.Statebag().open(call["event"]["state"], scope=scope)}
            else:
                answer = {"bag": changed(call["event"], call["change"])}
        except statebag.StatebagError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
