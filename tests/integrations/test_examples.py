"""The examples of the adapters, run with their frameworks."""

import asyncio
import gc
import json
from pathlib import Path
from runpy import run_path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "integrations"


def example(name, needs):
    pytest.importorskip(needs, reason=f"{needs} is not installed")
    return run_path(str(EXAMPLES / f"{name}_example.py"))


def test_each_adapter_has_an_example_that_the_page_names():
    page = (EXAMPLES.parents[1] / "docs" / "frameworks.md").read_text("utf-8")
    for name in ("durable", "strands", "temporal", "claude", "powertools"):
        assert (EXAMPLES / f"{name}_example.py").is_file()
        assert f"examples/integrations/{name}_example.py" in page
        assert f"statebag[{name}]" in page


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_durable():
    handler = example("durable", "aws_durable_execution_sdk_python")["handler"]
    testing = pytest.importorskip("aws_durable_execution_sdk_python_testing.runner")
    with testing.DurableFunctionTestRunner(handler, poll_interval=0.05) as runner:
        result = runner.run(input="{}", execution_timeout=30)
    del runner
    gc.collect()
    assert json.loads(result.result) == {"words": 200_000}


def test_strands():
    session = example("strands", "strands.storage")["session"]
    assert type(session("s1")).__name__ == "SnapshotSessionManager"


def test_temporal():
    names = example("temporal", "temporalio.converter")

    async def work():
        (encoded,) = await names["DATA_CONVERTER"].encode([{"text": "x" * 1_000_000}])
        (decoded,) = await names["DATA_CONVERTER"].decode([encoded])
        return encoded.ByteSize(), decoded

    size, decoded = asyncio.run(work())
    assert size < 10_000
    assert decoded == {"text": "x" * 1_000_000}
    assert callable(names["ENDPOINTS"])


def test_claude():
    names = example("claude", "claude_agent_sdk")
    key = {"project_key": "p", "session_id": "s"}

    async def work():
        store = names["OPTIONS"].session_store
        await store.append(key, [{"type": "user", "uuid": "1"}])
        return await store.load(key)

    assert asyncio.run(work()) == [{"type": "user", "uuid": "1"}]


def test_powertools():
    handler = example("powertools", "aws_lambda_powertools")["handler"]
    answer = handler({"execution_id": "m/e", "lines": ["a"]}, None)
    assert answer["lines"] == ["a", "checked"]
