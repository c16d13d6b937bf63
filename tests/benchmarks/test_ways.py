"""Each way of keeping a state that needs no other library gives back the state it was given."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.s3
WAYS = (
    "statebag",
    "statebag:65536:only",
    "statebag:no-patches",
    "statebag:no-pieces:fan_out=8",
    "one-object",
    "audited",
    "audited:skip",
    "whole",
)


@pytest.fixture(scope="module")
def proxied(s3_server):
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.proxy", s3_server.endpoint, "--delay-ms", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, pytest.MonkeyPatch.context() as patch:
        url = process.stdout.readline().strip()
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", s3_server.region)
        patch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        yield {"endpoint": url, "bucket": s3_server.bucket}
        process.kill()


@pytest.mark.parametrize("way", WAYS)
def test_a_way_is_measured_and_checked_at_its_end(proxied, way):
    settings = {
        "way": way,
        "workload": "synthetic:100000:8:0.2",
        "delay_ms": 0.0,
        "timed_every": 4,
        "tail_every": 3,
        "bare": way == "statebag",
        **proxied,
    }
    done = subprocess.run(  # some ways change what this process has loaded
        [sys.executable, "-m", "benchmarks.measure", json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["puts"]) == len(found["gets"]) == 8
    assert (len(found["step_wall"]), len(found["tail_wall"])) == (2, 2)  # steps 4 and 8, 3 and 6
    assert len(found["bare_wall"]) == (2 if way == "statebag" else 0)
    assert found["errors"] == 0
    if way in {"one-object", "whole"}:
        assert found["puts"] == found["gets"] == [1] * 8
