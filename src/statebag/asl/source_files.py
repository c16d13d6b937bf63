"""Recognize source files of tools that generate a template, and find the code they packaged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["packaged_code", "packaged_definition", "refuse_sources"]

_SERVERLESS_TEMPLATE = ".serverless/cloudformation-template-update-stack.json"
_OF_CDK = re.compile(r"\baws_cdk\b|\baws-cdk-lib\b|@aws-cdk/")
_ASSET = re.compile(r"[0-9a-f]{64}(\.[A-Za-z0-9]+)*")  # as the CDK names it
_MOST_NAMED = 3  # templates in a message. Chosen: it stays one line
_PROGRAMS = frozenset({".py", ".ts", ".js", ".mjs", ".java", ".go", ".cs"})
_SERVERLESS = re.compile(r"^(service|provider|plugins|frameworkVersion)\s*:", re.MULTILINE)


def refuse_sources(path: Path, text: str) -> None:
    """Refuse a file from which another tool generates a template.

    Args:
        path: The file.
        text: Its content.

    Raises:
        ConfigurationError: It belongs to the Serverless Framework, the CDK or Terraform. The hint
            has the command to run, and the file to name afterwards.
    """
    if path.suffix in {".yml", ".yaml"} and len(set(_SERVERLESS.findall(text))) > 1:
        raise ConfigurationError(
            f"{path} belongs to the Serverless Framework, which generates a template from it",
            hint=f"Run `serverless package`, then name {path.parent / _SERVERLESS_TEMPLATE}.",
        )
    if path.name in {"cdk.json", "cdk.context.json"} or (
        path.suffix in _PROGRAMS and _OF_CDK.search(text)
    ):
        raise ConfigurationError(
            f"{path} belongs to the CDK, which generates templates from it",
            hint=f"Run `cdk synth`, then name {_templates_of_cdk(path.parent)}.",
        )
    if path.suffix == ".tf" or path.name.endswith(".tf.json"):
        raise ConfigurationError(
            f"{path} belongs to Terraform, whose expressions statebag does not read",
            hint="Name the definition's file (*.asl.json), and a handler for each function.",
        )


def _templates_of_cdk(folder: Path) -> str:
    """Return the templates to name: all that were generated, also those of a pipeline's stages."""
    out = folder / "cdk.out"
    made = sorted([*out.glob("*.template.json"), *out.glob("assembly-*/*.template.json")])
    made = [one for one in made if not one.name.endswith(".nested.template.json")]
    if not made:
        return str(out / "STACK.template.json")
    more = f", or another of {len(made):,}" if len(made) > _MOST_NAMED else ""
    return " or ".join(map(str, made[:_MOST_NAMED])) + more


def packaged_definition(folder: Path, properties: Mapping[str, Any]) -> Path | None:
    """Return the local file of a definition that its template places in a bucket.

    The CDK leaves the file next to the template, or for a stage, in the folder above.

    Args:
        folder: The template's folder.
        properties: Those of the state machine.
    """
    location = properties.get("DefinitionS3Location")
    key = location.get("Key") if isinstance(location, dict) else None
    if not isinstance(key, str) or not _ASSET.fullmatch(key):
        return None
    for one in (folder, folder.parent):
        file = one / f"asset.{key}"
        if file.is_file():
            return file
    return None


def packaged_code(folder: Path, resource: Mapping[str, Any]) -> Path | None:
    """Return the local folder of a function's code that its template places in a bucket.

    The CDK leaves the code next to the template, and names it in the resource's metadata. The
    Serverless Framework makes its archive from the folder above that of the template.

    Args:
        folder: The template's folder.
        resource: The function, as the template has it.
    """
    metadata = resource.get("Metadata")
    asset = metadata.get("aws:asset:path") if isinstance(metadata, dict) else None
    if isinstance(asset, str):
        code = folder / asset
        return code if code.is_dir() else None
    properties = resource.get("Properties")
    handler = properties.get("Handler") if isinstance(properties, dict) else None
    if folder.absolute().name == ".serverless" and isinstance(handler, str):
        stem = folder.absolute().parent / handler.rpartition(".")[0].replace(".", "/")
        if stem.with_suffix(".py").is_file() or (stem / "__init__.py").is_file():
            return Path(folder.absolute().parent)
    return None
