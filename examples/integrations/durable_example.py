"""A durable function whose results have any size: pip install 'statebag[durable]'."""

from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import StepConfig

from statebag import Statebag
from statebag.integrations.durable import StatebagSerDes

SERDES = StatebagSerDes(Statebag("memory://durable-example"))


@durable_execution
def handler(_event: Any, context: DurableContext) -> dict[str, int]:
    config = StepConfig(serdes=SERDES)
    pages = context.step(lambda _: ["page " * 20_000] * 10, name="read", config=config)
    return context.step(lambda _: {"words": sum(map(len, pages)) // 5}, name="count", config=config)
