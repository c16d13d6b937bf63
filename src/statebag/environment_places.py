"""The places whose disk is lost with the process: functions, containers, instances on demand.

A store in a local folder is lost there. The platform sets variables that identify such a place. A
container of plain Docker or Podman has none and is not in the table: people work in such containers
with folders of their own machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PASSING_PLACES", "PassingPlace", "passing_place_in"]


class PassingPlace(NamedTuple):
    """One kind of place.

    Attributes:
        words: What it is, in a sentence.
        variables: Names that the platform sets there, and nowhere else.
        source: The page of the platform's reference that says so.
        execution: The beginning of AWS_EXECUTION_ENV there.
        local: A variable that the platform's program sets on a developer's machine, with its value
            (any if that is empty): in that case the variables above do not count.
    """

    words: str
    variables: tuple[str, ...]
    source: str
    execution: str = ""
    local: tuple[str, str] | None = None


_AWS = "https://docs.aws.amazon.com"
_AZURE = "https://learn.microsoft.com/azure"

PASSING_PLACES = (
    PassingPlace(
        "a Lambda function",
        ("AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT"),
        f"{_AWS}/lambda/latest/dg/configuration-envvars.html",
        execution="AWS_Lambda_",
    ),
    PassingPlace(
        "an AWS Batch job",
        ("AWS_BATCH_JOB_ID",),
        f"{_AWS}/batch/latest/userguide/job_env_vars.html",
    ),
    PassingPlace(
        "a CodeBuild container",
        ("CODEBUILD_BUILD_ID",),
        f"{_AWS}/codebuild/latest/userguide/build-env-ref-env-vars.html",
    ),
    PassingPlace(  # also AWS App Runner, which sets AWS_EXECUTION_ENV
        "an ECS container",
        ("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"),
        f"{_AWS}/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html",
        execution="AWS_ECS_",
    ),
    PassingPlace(
        "an ECS container",
        # Not ..._FULL_URI: CloudShell sets that one, and its home folder stays.
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
        f"{_AWS}/AmazonECS/latest/developerguide/task-iam-roles.html",
    ),
    PassingPlace(  # Google's functions, too
        "a Cloud Run container",
        ("K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL"),
        "https://cloud.google.com/run/docs/container-contract",
    ),
    PassingPlace(
        "an App Engine instance",
        ("GAE_INSTANCE",),
        "https://cloud.google.com/appengine/docs/standard/python3/runtime",
    ),
    # Not WEBSITE_INSTANCE_ID: the home folder of Azure's App Service stays.
    PassingPlace(
        "an Azure function",
        ("FUNCTIONS_WORKER_RUNTIME",),
        f"{_AZURE}/azure-functions/functions-app-settings",
    ),
    PassingPlace(
        "an Azure container app",
        ("CONTAINER_APP_NAME", "CONTAINER_APP_JOB_NAME"),
        f"{_AZURE}/container-apps/environment-variables",
    ),
    PassingPlace(
        "a Vercel function",
        ("VERCEL",),
        "https://vercel.com/docs/environment-variables/system-environment-variables",
        local=("VERCEL_ENV", "development"),  # `vercel dev` and `vercel env pull`
    ),
    PassingPlace(
        "a Netlify function or build",
        ("NETLIFY",),
        "https://docs.netlify.com/configure-builds/environment-variables/",
        local=("NETLIFY_DEV", ""),  # `netlify dev`
    ),
    PassingPlace(
        "a Heroku dyno",
        ("DYNO",),
        "https://devcenter.heroku.com/articles/dyno-startup-behavior",
    ),
    PassingPlace(
        "a Fly machine",
        ("FLY_MACHINE_ID", "FLY_ALLOC_ID"),
        "https://fly.io/docs/machines/runtime-environment/",
    ),
    PassingPlace(
        "a Render service",
        ("RENDER",),
        "https://render.com/docs/environment-variables",
    ),
    PassingPlace(
        "a Railway deployment",
        # Not ..._SERVICE_ID and the like: `railway run` sets these on a developer's machine.
        ("RAILWAY_REPLICA_ID", "RAILWAY_DEPLOYMENT_ID"),
        "https://docs.railway.com/reference/variables",
    ),
    PassingPlace(
        "a Cloudflare container",
        ("CLOUDFLARE_DURABLE_OBJECT_ID",),
        "https://developers.cloudflare.com/containers/configuration/environment-variables/",
    ),
    PassingPlace(
        "a Modal container",
        ("MODAL_TASK_ID",),
        "https://modal.com/docs/guide/environment_variables",
    ),
    PassingPlace(
        "a Cloud Foundry container",
        ("CF_INSTANCE_GUID",),
        "https://docs.cloudfoundry.org/devguide/deploy-apps/environment-variable.html",
    ),
    PassingPlace(
        "a Nomad allocation",
        ("NOMAD_ALLOC_ID",),
        "https://developer.hashicorp.com/nomad/docs/reference/runtime-environment-settings",
    ),
    PassingPlace(
        "a Kubernetes container",
        ("KUBERNETES_SERVICE_HOST",),
        "https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/",
    ),
)


def passing_place_in(variables: Mapping[str, str]) -> str | None:
    """Return the words for the function or container of these variables; None if there is none."""
    execution = variables.get("AWS_EXECUTION_ENV", "")
    for place in PASSING_PLACES:
        if place.execution and execution.startswith(place.execution):
            return place.words
        if not any(variables.get(name) for name in place.variables):
            continue
        if place.local is None:
            return place.words
        name, value = place.local
        found = variables.get(name)
        if not found or (value and found != value):
            return place.words
    return None
