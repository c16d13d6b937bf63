"""botocore takes over from the storage client while requests are on their way."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from statebag.store.object_storage import ObjectStorage
from tests.store.recording_proxy import answer_as_s3, answer_to_botocore_alone

READERS = 6


def test_readers_in_flight_while_botocore_takes_over(server):
    server.answer = answer_to_botocore_alone
    store = ObjectStorage("s3://my-bucket/p", options={"server_side_encryption": "aws:kms"})
    begin = Barrier(READERS)

    def work(number):
        begin.wait()
        for count in range(5):
            store.put(f"a{number}", b"data")
            assert store.get(f"a{number}") == b""
            assert store.head(f"a{number}").size == 0
            if count % 2:
                list(store.list())

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(work, range(READERS)))
    assert store._live.connection.is_by_sdk
    writes = [one for one in server.take() if one.method == "PUT"]
    assert {one.headers["x-amz-server-side-encryption"] for one in writes} == {"aws:kms"}
    # Both clients have sent some of them.
    assert {"amz-sdk-request" in one.headers for one in writes} == {True, False}


def test_a_listing_that_began_before_goes_on(server):
    store = ObjectStorage("s3://my-bucket/p")
    switched = []

    def answer(asked):
        if "list-type" not in asked.query:
            return answer_to_botocore_alone(asked)
        if not switched:
            # Within the first page, another reader needs botocore.
            switched.append(True)
            assert store.head("b").size == 0
        return answer_as_s3(asked)

    server.answer = answer
    assert list(store.list()) == []
    assert store._live.connection.is_by_sdk
