"""What the collector and the upkeep commands ask of S3, beside what the template's roles may do."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from statebag import Policy, Statebag
from statebag.testing.process import forget
from statebag.upkeep import gc
from statebag.upkeep.fsck import fsck
from tests.bags import noise
from tests.deploy.test_template import resources
from tests.docs.recording_proxy import recording_proxy
from tests.docs.test_adopting_on_aws import right, s3_actions

pytestmark = pytest.mark.s3
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def role(name):
    policy = resources()[name]["Properties"]["Policies"][0]["PolicyDocument"]
    return [one for one in policy["Statement"] if "Action" in one]


@pytest.fixture
def bucket(s3_server, monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    name = f"rights-{uuid.uuid4().hex[:8]}"
    client = s3_server.client()
    client.create_bucket(Bucket=name)
    client.close()
    return name


def below_the_prefix(seen, bucket):
    """What is deleted together is named in a body, by the names of a listing."""
    return all(
        path.startswith(f"/{bucket}/state/") or query["prefix"][0].startswith("state/")
        for method, path, query in seen
        if method != "POST"
    )


def test_the_collector_asks_for_what_its_role_may_do(s3_server, bucket, monkeypatch):
    with recording_proxy(s3_server.endpoint) as (endpoint, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        forget()
        sb = Statebag(f"s3://{bucket}/state", policy=Policy(carry_bytes=0))
        for run in ("one", "two"):
            sb.seal({"text": noise(60_000, len(run))}, scope=f"machine/{run}")
        seen.clear()
        rules = gc.Rules(retention=timedelta(0), ended=lambda _: LONG_AGO)
        assert gc.collect(sb.store, rules, dry_run=False).deleted_objects == 0
        now = gc.store_time
        # The second pass, eight days on.
        monkeypatch.setattr(gc, "store_time", lambda store: now(store) + timedelta(days=8))
        assert gc.collect(sb.store, rules, dry_run=False).deleted_objects == 2
        assert {right(*one) for one in seen} == s3_actions(role("CollectorRole"))
        assert below_the_prefix(seen, bucket)


def test_a_check_of_the_store_asks_only_to_read(s3_server, bucket, monkeypatch):
    with recording_proxy(s3_server.endpoint) as (endpoint, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        forget()
        sb = Statebag(f"s3://{bucket}/state", policy=Policy(carry_bytes=0))
        sb.seal({"text": noise(60_000, 1)}, scope="machine/run")
        seen.clear()
        assert not fsck(sb.store).faults
        assert {right(*one) for one in seen} == {"s3:GetObject", "s3:ListBucket"}
        assert below_the_prefix(seen, bucket)
