"""What the Distributed Map's ItemReader reads: a pointer for each segment, as an object in S3."""

from __future__ import annotations

from typing import Any

from agent.bags import opened

from statebag.state_data_manager import generate_s3_key, store_to_s3


def handler(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001 - Lambda's
    segments = opened(event, "segments")
    pointers = [
        {
            "segment_index": index,
            "segment_id": segment["segment_id"],
            "execution_order": segment["execution_order"],
            "total_segments": len(segments),
        }
        for index, segment in enumerate(segments)
    ]
    key = generate_s3_key(event["execution_id"], "segments", pointers)
    bucket, _, name = store_to_s3(pointers, key).removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": name}
