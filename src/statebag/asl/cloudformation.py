"""Evaluate the intrinsic functions of CloudFormation that a local workflow needs.

These are `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::FindInMap`
and `Fn::If`, with the defaults of parameters and the pseudo parameters. Only the values that a run
needs are resolved, so the rest of a template may use other functions.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from statebag.asl.arns import ACCOUNT, function_arn, function_name
from statebag.asl.documents import MOST_BYTES
from statebag.asl.template_choices import NO_VALUE, TemplateChoices
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["FUNCTION_TYPES", "MACHINE_TYPES", "Resolver", "pseudo_parameters"]

FUNCTION_TYPES = frozenset({"AWS::Serverless::Function", "AWS::Lambda::Function"})
MACHINE_TYPES = frozenset({"AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine"})

# What names a resource of this type, and its ARN (AWS service authorization reference).
_NAMED: dict[str, tuple[str, str]] = {
    "AWS::Serverless::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}"),
    "AWS::Serverless::StateMachine": ("Name", "states:{region}:{account}:stateMachine:{name}"),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        "states:{region}:{account}:stateMachine:{name}",
    ),
    "AWS::StepFunctions::Activity": ("Name", "states:{region}:{account}:activity:{name}"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{name}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:{region}:{account}:table/{name}"),
    "AWS::Serverless::SimpleTable": ("TableName", "dynamodb:{region}:{account}:table/{name}"),
    "AWS::SQS::Queue": ("QueueName", "sqs:{region}:{account}:{name}"),
    "AWS::SNS::Topic": ("TopicName", "sns:{region}:{account}:{name}"),
    "AWS::IAM::Role": ("RoleName", "iam::{account}:role/{name}"),
    "AWS::Events::EventBus": ("Name", "events:{region}:{account}:event-bus/{name}"),
    "AWS::Events::Rule": ("Name", "events:{region}:{account}:rule/{name}"),
    "AWS::Kinesis::Stream": ("Name", "kinesis:{region}:{account}:stream/{name}"),
    "AWS::KinesisFirehose::DeliveryStream": (
        "DeliveryStreamName",
        "firehose:{region}:{account}:deliverystream/{name}",
    ),
    "AWS::ECS::Cluster": ("ClusterName", "ecs:{region}:{account}:cluster/{name}"),
    "AWS::Batch::JobQueue": ("JobQueueName", "batch:{region}:{account}:job-queue/{name}"),
    "AWS::Glue::Job": ("Name", "glue:{region}:{account}:job/{name}"),
    "AWS::Glue::Crawler": ("Name", "glue:{region}:{account}:crawler/{name}"),
    "AWS::CodeBuild::Project": ("Name", "codebuild:{region}:{account}:project/{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{region}:{account}:log-group:{name}"),
}
# What names another version of a function; its `Ref` is the ARN with that version or alias.
_QUALIFIED = {"AWS::Lambda::Alias": "AliasArn", "AWS::Lambda::Version": "FunctionArn"}
# `Ref` gives the ARN of these, the name of the others.
_REF_IS_ARN = frozenset(
    {
        "AWS::Serverless::StateMachine",
        "AWS::StepFunctions::StateMachine",
        "AWS::StepFunctions::Activity",
        "AWS::SNS::Topic",
        "AWS::Batch::JobQueue",
    }
)
# Attributes that are the ARN, under another name, or the URL that `Ref` gives.
_ARNS = frozenset({("AWS::SNS::Topic", "TopicArn"), ("AWS::Batch::JobQueue", "JobQueueArn")})
_QUEUE_URL = ("AWS::SQS::Queue", "QueueUrl")
_MOST_NESTED = 50  # references. Chosen: people write three or four
_SUB = re.compile(r"\$\{(!?)([^}]*)\}")


def pseudo_parameters(region: str, stack: str = "local") -> dict[str, str]:
    """Return CloudFormation's pseudo parameters by name, without `AWS::NoValue`."""
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack}/local",
        "AWS::StackName": stack,
        "AWS::URLSuffix": "amazonaws.com",
    }


class Resolver:
    """Resolves the values of one template.

    Args:
        template: The whole template.
        parameters: Values given for parameters; they win over defaults.
        region: What `AWS::Region` is.
    """

    def __init__(
        self, template: Mapping[str, Any], parameters: Mapping[str, str], region: str
    ) -> None:
        self._resources: Mapping[str, Any] = template["Resources"]
        declared = template.get("Parameters")
        self._declared: Mapping[str, Any] = declared if isinstance(declared, dict) else {}
        self._given = parameters
        self._pseudo = pseudo_parameters(region)
        self._region = region
        # A name that is computed of two others, each of two others, is computed once all the same.
        self._references: dict[str, Any] = {}
        self._choices = choices = TemplateChoices(template, self.text, self.resolve)
        self._open: set[str] = set()  # references that are being computed
        self._names: dict[str, str] = {}
        self._evaluate: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": choices.found,
            "Fn::If": lambda given, path: self.resolve(choices.branch(given, path), path),
        }
        unknown = sorted(set(parameters) - set(self._declared))
        if unknown:
            known = ", ".join(sorted(self._declared)) or "none"
            raise ConfigurationError(
                f"the template has no parameter {', '.join(unknown)}", hint=f"It has: {known}"
            )

    def resolve(self, value: Any, path: str) -> Any:
        """Return `value` with every intrinsic function in it evaluated.

        Args:
            value: Any value of the template.
            path: Its path, such as `$.Resources.X`; for errors.

        Raises:
            ConfigurationError: A function is not evaluated here, or names something that does not
                exist.
        """
        if isinstance(value, list):
            items = [self.chosen(item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [
                self.resolve(item, f"{path}[{index}]")
                for index, item in enumerate(items)
                if item != NO_VALUE
            ]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in self._evaluate:
                return self._evaluate[name](argument, path)
            if isinstance(name, str) and (name.startswith("Fn::") or name == "Condition"):
                raise ConfigurationError(
                    f"statebag does not evaluate {name}",
                    path=path,
                    hint="Write the value there, or a parameter with a Default",
                )
        members = {key: self.chosen(item, f"{path}.{key}") for key, item in value.items()}
        return {
            key: self.resolve(item, f"{path}.{key}")
            for key, item in members.items()
            if item != NO_VALUE
        }

    def chosen(self, value: Any, path: str) -> Any:
        """Return what an `Fn::If` chooses; `NO_VALUE` means that the property is left out.

        Raises:
            ConfigurationError: The condition cannot be evaluated.
        """
        while isinstance(value, dict) and value.keys() == {"Fn::If"}:
            value = self._choices.branch(value["Fn::If"], path)
        return value

    def text(self, value: Any, path: str) -> str:
        """Return `value` resolved to text; numbers and booleans are written as in JSON.

        Raises:
            ConfigurationError: It is an object or a list, or cannot be resolved.
        """
        resolved = self.resolve(value, path)
        if isinstance(resolved, bool):
            return "true" if resolved else "false"
        if isinstance(resolved, (str, int, float)):
            return str(resolved)
        raise ConfigurationError(
            f"this value must be a string or a number, not {type(resolved).__qualname__}", path=path
        )

    def name_of(self, logical_id: str) -> str:
        """Return the name of a resource: its naming property, or else its logical id."""
        if logical_id not in self._names:
            self._names[logical_id] = self._computed_name(logical_id)
        return self._names[logical_id]

    def _computed_name(self, logical_id: str) -> str:
        kind, properties = self._resource(logical_id)
        naming = _NAMED.get(kind)
        path = f"$.Resources.{logical_id}.Properties.{naming[0]}" if naming else ""
        given = self.chosen(properties.get(naming[0]), path) if naming else None
        if given is None or given == NO_VALUE:
            return logical_id
        return self.text(given, path)

    def arn_of(self, logical_id: str, path: str) -> str:
        """Return the ARN of a resource of a known type.

        Raises:
            ConfigurationError: The ARN of this type is not known.
        """
        kind, _ = self._resource(logical_id)
        if kind not in _NAMED:
            raise ConfigurationError(
                f"statebag does not know the ARN of {logical_id} ({kind})",
                path=path,
            )
        form = _NAMED[kind][1]
        name = self.name_of(logical_id)
        return "arn:aws:" + form.format(region=self._region, account=ACCOUNT, name=name)

    def _resource(self, logical_id: str) -> tuple[str, Mapping[str, Any]]:
        resource = self._resources[logical_id]
        if not isinstance(resource, dict):
            return "", {}
        properties = resource.get("Properties")
        return str(resource.get("Type", "")), properties if isinstance(properties, dict) else {}

    def _ref(self, name: Any, path: str) -> Any:
        if not isinstance(name, str):
            raise ConfigurationError(
                f"Ref must have a name, not {type(name).__qualname__}", path=path
            )
        if name not in self._references:
            with self._computing(name, path):
                self._references[name] = self._referenced(name, path)
        return self._references[name]

    @contextmanager
    def _computing(self, reference: str, path: str) -> Iterator[None]:
        """Refuse a reference whose value needs its own value.

        Raises:
            ConfigurationError: It does, or too many references need each other.
        """
        if reference in self._open:
            raise ConfigurationError(
                f"{reference} refers to itself, so it cannot be resolved", path=path
            )
        if len(self._open) == _MOST_NESTED:
            raise ConfigurationError(
                f"more than {_MOST_NESTED} values refer to each other", path=path
            )
        self._open.add(reference)
        try:
            yield
        finally:
            self._open.remove(reference)

    def _referenced(self, name: str, path: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._declared:
            return self._parameter(name, path)
        # SAM: a function with AutoPublishAlias also has `<Function>.Alias` and `.Version`.
        owner, _, part = name.partition(".")
        if owner not in self._resources:
            raise ConfigurationError(
                f"Ref {name}: the template has no such parameter or resource", path=path
            )
        kind, properties = self._resource(owner)
        if part and kind in FUNCTION_TYPES and part in {"Alias", "Version"}:
            alias = self.text(properties.get("AutoPublishAlias", "live"), path)
            return f"{self.arn_of(owner, path)}:{alias if part == 'Alias' else '1'}"
        if kind in _REF_IS_ARN:
            return self.arn_of(owner, path)
        if kind in _QUALIFIED:
            return self._qualified(owner)
        if kind == "AWS::SQS::Queue":
            queue = self.name_of(owner)
            return f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{queue}"
        return self.name_of(owner)

    def _qualified(self, logical_id: str) -> str:
        """Return the ARN of an alias, or of a version, of a function."""
        kind, properties = self._resource(logical_id)
        path = f"$.Resources.{logical_id}.Properties"
        given = self.text(properties.get("FunctionName"), f"{path}.FunctionName")
        name = function_name(given) or given.partition(":")[0]
        alias = kind == "AWS::Lambda::Alias"
        version = self.text(properties.get("Name"), f"{path}.Name") if alias else "1"
        return f"{function_arn(name, self._region)}:{version}"

    def _parameter(self, name: str, path: str) -> Any:
        declared = self._declared[name]
        declared = declared if isinstance(declared, dict) else {}
        kind = str(declared.get("Type", "String"))
        value = self._given.get(name, declared.get("Default"))
        # The default of such a parameter is the name of a setting that only AWS can look up.
        stored = kind.startswith("AWS::SSM::") and name not in self._given
        if value is None or stored:
            raise ConfigurationError(
                f"the parameter {name} has no value",
                path=path,
                hint=f"Give one: --parameter {name}=VALUE",
            )
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [item.strip() for item in str(value).split(",")]
        return value

    def _get_att(self, argument: Any, path: str) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if (
            not isinstance(parts, list)
            or len(parts) != 2
            or not all(isinstance(part, str) for part in parts)
        ):
            raise ConfigurationError(
                f"Fn::GetAtt must have a resource and an attribute, not {_given(parts)}", path=path
            )
        name, attribute = parts
        if name not in self._resources:
            raise ConfigurationError(
                f"Fn::GetAtt {name}.{attribute}: the template has no such resource", path=path
            )
        kind, _ = self._resource(name)
        if attribute == "Arn" or (kind, attribute) in _ARNS:
            return self.arn_of(name, path)
        if (kind, attribute) == _QUEUE_URL:
            return str(self._ref(name, path))
        if kind in _QUALIFIED and attribute == _QUALIFIED[kind]:
            with self._computing(f"{name}.{attribute}", path):
                return self._qualified(name)
        if kind == "AWS::Lambda::Version" and attribute == "Version":
            return "1"
        if kind in _NAMED and attribute == _NAMED[kind][0]:
            return self.name_of(name)
        raise ConfigurationError(
            f"statebag does not know Fn::GetAtt {name}.{attribute}",
            path=path,
        )

    def _sub(self, argument: Any, path: str) -> str:
        names: Mapping[str, Any] = {}
        text = argument
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            text, names = argument
        if not isinstance(text, str):
            raise ConfigurationError(
                f"Fn::Sub must have a string, or a string and a map, not {_given(argument)}",
                path=path,
            )

        known: dict[str, str] = {}
        length = 0

        def value(match: re.Match[str]) -> str:
            nonlocal length
            if match[1]:
                return "${" + match[2] + "}"
            name = match[2].strip()
            if name not in known:
                known[name] = named(name)
            length += len(known[name])
            _check_length(length, path)
            return known[name]

        def named(name: str) -> str:
            if name in names:
                return self.text(names[name], path)
            if name in self._pseudo or name in self._declared or name in self._resources:
                return self.text({"Ref": name}, path)
            if "." in name:
                return self.text({"Fn::GetAtt": name.split(".", 1)}, path)
            return self.text({"Ref": name}, path)

        return _SUB.sub(value, text)

    def _join(self, argument: Any, path: str) -> str:
        if not isinstance(argument, list) or len(argument) != 2:
            raise ConfigurationError(
                f"Fn::Join must have a delimiter and a list, not {_given(argument)}", path=path
            )
        delimiter = self.text(argument[0], path)
        items = self.resolve(argument[1], path)
        if not isinstance(items, list):
            raise ConfigurationError(
                f"Fn::Join must have a list to join, not {type(items).__qualname__}", path=path
            )
        texts = [self.text(item, path) for item in items]
        _check_length(sum(map(len, texts)) + len(delimiter) * len(texts), path)
        return delimiter.join(texts)

    def _select(self, argument: Any, path: str) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            raise ConfigurationError(
                f"Fn::Select must have an index and a list, not {_given(argument)}", path=path
            )
        index, items = self.text(argument[0], path), self.resolve(argument[1], path)
        if not isinstance(items, list) or not index.isdecimal() or int(index) >= len(items):
            raise ConfigurationError(f"Fn::Select: the list has no item {index}", path=path)
        return items[int(index)]

    def _split(self, argument: Any, path: str) -> list[str]:
        if not isinstance(argument, list) or len(argument) != 2:
            raise ConfigurationError(
                f"Fn::Split must have a delimiter and a string, not {_given(argument)}", path=path
            )
        delimiter, text = self.text(argument[0], path), self.text(argument[1], path)
        if not delimiter:
            raise ConfigurationError("the delimiter of Fn::Split is empty", path=path)
        return text.split(delimiter)


def _check_length(length: int, path: str) -> None:
    """Refuse a text that would become too long, before it is assembled.

    Raises:
        ConfigurationError: It has more characters than a file may have bytes.
    """
    if length > MOST_BYTES:
        raise ConfigurationError(
            f"the text has more than {MOST_BYTES:,} characters once its functions are evaluated",
            path=path,
            hint="Look for Fn::Sub or Fn::Join inside another one: each may multiply the text",
        )


def _given(argument: Any) -> str:
    """Describe what a function was given, for a message."""
    if isinstance(argument, list):
        return f"a list of {len(argument)}"
    return type(argument).__qualname__
