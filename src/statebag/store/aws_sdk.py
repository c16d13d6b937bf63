"""Ask AWS's SDK for what only it knows: endpoints by all rules, settings of profiles, sessions.

Only this module, `aws_credentials` and `object_versions` load botocore. It sends nothing for an
endpoint: a request is prepared, read and dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.store.aws_endpoint import has_fixed_credentials
from statebag.store.aws_profile import PROFILE_VARIABLES, profile_name, profile_settings
from statebag.store.sdk_options import sdk_options

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["asked_for", "client_of", "is_installed", "region_of_bucket", "session_of", "setting"]

_KEY = "k"  # of the object that the request is about
_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/([\w-]+)/([a-z0-9-]+)/aws4_request")
_WHEN = "request_checksum_calculation"
_REGION_HEADER = "x-amz-bucket-region"


class _PreparedError(Exception):
    """Carries a prepared request out of the client, so that it is not sent."""

    def __init__(self, url: str, authorization: str) -> None:
        super().__init__()
        self.url, self.authorization = url, authorization


def is_installed() -> bool:
    """Return whether botocore can be loaded, without loading it."""
    from importlib.util import find_spec  # noqa: PLC0415  # few environments need it

    try:
        return find_spec("botocore") is not None
    except (ImportError, ValueError):  # something in this process hides it
        return False


def session_of(
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    region: str | None = None,
    reason: str,
) -> Any:
    """Return a session of botocore for the profile in use.

    Args:
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        region: The region of the session's own requests, such as those that assume a role.
        reason: The setting that needs it, for the message.

    Raises:
        ConfigurationError: botocore is not installed, or the profile does not exist.
    """
    try:
        import botocore.session  # noqa: PLC0415 (0.2 s, and few environments need it)
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (as above)
    except ImportError:
        raise ConfigurationError(
            f"{reason} needs botocore, which is not installed",
            hint="Install boto3 (a Lambda function has it). Without it, name the server by "
            "AWS_ENDPOINT_URL_S3, its region by AWS_REGION, and keys by AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        ) from None
    try:
        session = botocore.session.Session(profile=options.get("profile"))
        session.get_scoped_config()  # reads the files
    except BotoCoreError as error:
        name = profile_name(options, variables) or "default"
        empty = [key for key in PROFILE_VARIABLES if variables.get(key) == ""]
        if empty and not options.get("profile"):
            raise ConfigurationError(
                f"botocore needs the name of a profile, and {empty[0]} is empty",
                hint=f"Unset {empty[0]}, or set it to the name of a profile.",
            ) from None
        raise ConfigurationError(
            f"botocore cannot use the profile {name[:40]!r} ({type(error).__name__})",
            hint="Correct the profile's name, or the files that AWS_CONFIG_FILE and "
            "AWS_SHARED_CREDENTIALS_FILE name (~/.aws/config and ~/.aws/credentials).",
        ) from None
    if region is not None:
        session.set_config_variable("region", region)
    return session


def setting(
    name: str, options: Mapping[str, str], variables: Mapping[str, str], *, reason: str
) -> str | None:
    """Return one setting by botocore's name for it; None if it is not set."""
    found = session_of(options, variables, reason=reason).get_config_variable(name)
    return None if found is None else str(found)


def asked_for(
    bucket: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    endpoint: str | None,
    region: str | None,
    reason: str,
) -> tuple[str, str, str]:
    """Return a bucket's URL, and the region and service that its requests are signed for.

    Args:
        bucket: Its name or ARN.
        options: As for `ObjectStorage`.
        variables: The current environment's `store_settings`.
        endpoint: The server's address if options or variables name one.
        region: The region if options or variables name one.
        reason: The setting that needs botocore, for the message.

    Raises:
        ConfigurationError: botocore is not installed, or refuses the settings.
    """
    session = session_of(options, variables, region=region, reason=reason)
    from botocore.config import Config  # noqa: PLC0415 (slow, as botocore)

    def stop(request: Any, **_: Any) -> None:
        raise _PreparedError(request.url, _text(request.headers.get("Authorization", "")))

    try:
        client = session.create_client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="unused",
            aws_secret_access_key="unused",  # noqa: S106  # the request is not sent
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-send.s3", stop)
        client.head_object(Bucket=bucket, Key=_KEY)
    except _PreparedError as prepared:
        scope = _SCOPE.search(prepared.authorization)
        if scope is not None:
            url, _, query = prepared.url.partition("?")
            # Of a directory bucket, the first request is the one for a session.
            return (
                url.rstrip("/") if query else url.removesuffix(f"/{_KEY}"),
                scope[1],
                scope[2],
            )
        failure = "its requests are signed for several regions"
    except Exception as error:  # noqa: BLE001  # its errors have no common root; texts hold settings
        failure = type(error).__name__
    raise ConfigurationError(
        f"botocore finds no endpoint for the bucket under {reason}: {failure}",
        hint=_hint(bucket, failure),
    )


def _hint(bucket: str, failure: str) -> str:
    if failure.startswith("UnsupportedS3Accesspoint"):
        return (
            "Set AWS_DEFAULT_REGION to the region in the ARN, or remove the setting "
            "s3_use_arn_region or AWS_S3_USE_ARN_REGION."
        )
    if bucket.startswith("arn:"):
        return (
            "A multi-region access point is not supported: use the bucket or an access point in "
            "one region."
        )
    return "Correct or remove this setting: botocore refuses it for this bucket."


def _text(header: str | bytes) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else header


def client_of(
    bucket: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    region: str | None,
    keys: Mapping[str, str | None],
    seconds: float,
    reason: str,
    session: Any = None,
) -> Any:
    """Return botocore's client for S3, as a store's own client is set up; it does not retry.

    Args:
        bucket: The bucket's name.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        region: The region for which requests are signed; None to let botocore find it.
        keys: `aws_access_key_id` and the like; empty for those that botocore finds.
        seconds: How long a request may take.
        reason: The setting that needs it, for the message.
        session: The session whose credentials it uses and renews; None for a new one.

    Raises:
        ConfigurationError: botocore is not installed or has no counterpart of an option, or the
            profile does not exist.
    """
    is_new = session is None
    session = session or session_of(options, variables, region=region, reason=reason)
    given = sdk_options(
        bucket,
        options,
        variables,
        seconds=seconds,
        reason=reason,
        finds_keys=is_new and not keys and not has_fixed_credentials(options, variables),
    )
    import botocore  # noqa: PLC0415 (slow)
    from botocore.config import Config  # noqa: PLC0415 (slow, as botocore)

    if is_new and not keys and not options.get("profile"):
        # Otherwise the present environment would count, instead of that when the store was made.
        session.get_component("credential_provider").remove("env")
    has_endpoint = profile_settings(options, variables) & {"endpoint_url", "services"}
    settings = given.config
    if not hasattr(Config(), _WHEN):  # before 1.36, which sends a checksum only if asked for it
        settings = {name: value for name, value in settings.items() if name != _WHEN}
    if not given.is_signed:
        settings = {**settings, "signature_version": botocore.UNSIGNED}
        keys = {}
    config = Config(
        # By default it makes several attempts of a minute each, and ignores the deadline.
        retries={"total_max_attempts": 1},
        ignore_configured_endpoint_urls=True if not has_endpoint else None,
        **settings,
    )
    return session.create_client("s3", region_name=region, config=config, **given.client, **keys)


def region_of_bucket(client: Any, bucket: str, key: str, region: str) -> str | None:
    """Ask S3 for the region of a bucket; return None if it does not say.

    Args:
        client: As `client_of` returns it.
        bucket: The name of the bucket.
        key: The key of an object in it, which need not exist.
        region: The region that was tried.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 (slow, as botocore)

    signed_for = [region]

    def note(request: Any, **_: Any) -> None:
        scope = _SCOPE.search(_text(request.headers.get("Authorization", "")))
        signed_for.append(scope[1] if scope else region)

    client.meta.events.register("before-send.s3", note)
    try:
        # For an object, so that a caller with rights only below a prefix gets an answer too.
        answer = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        answer = error.response
    except Exception:  # noqa: BLE001  # the refusal that led here is told instead
        return None
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    # botocore follows redirects itself, and the last answer may not have the region.
    found = headers.get(_REGION_HEADER) or signed_for[-1]
    return found if isinstance(found, str) else None
