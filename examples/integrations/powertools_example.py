"""A handler between the decorators of Powertools: pip install 'statebag[powertools]'."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from pydantic import BaseModel

from statebag import Statebag
from statebag.integrations.powertools import sealed


class Order(BaseModel):
    execution_id: str
    lines: list[str]


@sealed(sb=Statebag("memory://powertools-example"))
@event_parser(model=Order)
def handler(order: Order, _context: Any) -> dict[str, Any]:
    return {**order.model_dump(), "lines": [*order.lines, "checked"]}
