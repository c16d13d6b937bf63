"""Pages of an answer, put together."""

import pytest

from statebag.aws_sdk.answer_pages import Pages, asks_for_one_page

S3 = {
    "input_token": "ContinuationToken",
    "output_token": "NextContinuationToken",
    "limit_key": "MaxKeys",
    "more_results": "IsTruncated",
    "result_key": ["Contents", "CommonPrefixes"],
}
S3_FIRST = {
    "input_token": "Marker",
    "output_token": "NextMarker || Contents[-1].Key",
    "limit_key": "MaxKeys",
    "more_results": "IsTruncated",
    "result_key": ["Contents", "CommonPrefixes"],
}
QUERY = {
    "input_token": "ExclusiveStartKey",
    "output_token": "LastEvaluatedKey",
    "limit_key": "Limit",
    "result_key": ["Items", "Count", "ScannedCount"],
}
ROWS = {"input_token": "NextToken", "output_token": "NextToken", "result_key": "ResultSet.Rows"}
NESTED = {
    "input_token": "Marker",
    "output_token": "DistributionList.NextMarker",
    "more_results": "DistributionList.IsTruncated",
    "result_key": "DistributionList.Items",
}


def together(config, *pages):
    gathered = Pages(config)
    for one in pages:
        gathered.add(one)
    return gathered.together()


def test_lists_are_joined_and_the_tokens_are_gone():
    pages = [
        {"Name": "b", "Contents": [1, 2], "KeyCount": 2, "IsTruncated": True,
         "NextContinuationToken": "a", "MaxKeys": 1000},
        {"Name": "b", "CommonPrefixes": [3], "KeyCount": 1, "IsTruncated": True,
         "ContinuationToken": "a", "NextContinuationToken": "c", "MaxKeys": 1000},
        {"Name": "b", "Contents": [4], "CommonPrefixes": [5], "KeyCount": 2, "IsTruncated": False,
         "ContinuationToken": "c", "MaxKeys": 1000},
    ]  # fmt: skip
    assert together(S3, *pages) == {
        "Name": "b",
        "Contents": [1, 2, 4],
        "CommonPrefixes": [3, 5],
        "KeyCount": 5,
        "IsTruncated": False,
        "MaxKeys": 1000,
    }


def test_one_page_is_as_it_was():
    page = {"Contents": [1], "KeyCount": 1, "IsTruncated": True, "NextContinuationToken": "more"}
    assert together(S3, dict(page)) == page
    assert together({}, {"anything": 1}) == {"anything": 1}
    assert together(S3) == {}


def test_a_number_that_is_the_count_of_some_pages_only_is_none():
    pages = [{"Contents": [1], "OtherCount": 1}, {"Contents": [2, 3], "OtherCount": 1}]
    assert together(S3, *pages) == {"Contents": [1, 2, 3], "OtherCount": 1}


def test_counts_that_the_api_gives_are_added():
    pages = [
        {"Items": [1], "Count": 1, "ScannedCount": 7, "LastEvaluatedKey": {"id": {"S": "1"}}},
        {"Items": [], "Count": 0, "ScannedCount": 7, "LastEvaluatedKey": {"id": {"S": "2"}}},
        {"Items": [2], "Count": 1, "ScannedCount": 1},
    ]
    assert together(QUERY, *pages) == {"Items": [1, 2], "Count": 2, "ScannedCount": 15}


def test_rows_inside_of_a_result():
    pages = [
        {"ResultSet": {"Rows": [1, 2], "ResultSetMetadata": {"m": 1}}, "NextToken": "a"},
        {"ResultSet": {"Rows": [3], "ResultSetMetadata": {"m": 1}}},
    ]
    assert together(ROWS, *pages) == {
        "ResultSet": {"Rows": [1, 2, 3], "ResultSetMetadata": {"m": 1}}
    }


def test_tokens_inside_of_a_result():
    pages = [
        {"DistributionList": {"Items": [1], "NextMarker": "a", "IsTruncated": True}},
        {"DistributionList": {"Items": [2], "IsTruncated": False}},
    ]
    assert together(NESTED, *pages) == {"DistributionList": {"Items": [1, 2], "IsTruncated": False}}


def test_a_token_that_is_an_items_key_leaves_the_items():
    pages = [
        {"Contents": [{"Key": "a"}], "NextMarker": "a", "IsTruncated": True},
        {"Contents": [{"Key": "b"}], "IsTruncated": False},
    ]
    assert together(S3_FIRST, *pages) == {
        "Contents": [{"Key": "a"}, {"Key": "b"}],
        "IsTruncated": False,
    }


@pytest.mark.parametrize(
    ("config", "parameters", "one"),
    [
        (S3, {"Bucket": "b"}, False),
        (S3, {"Bucket": "b", "MaxKeys": 10}, True),
        (S3, {"Bucket": "b", "ContinuationToken": "x"}, True),
        (QUERY, {"Limit": 1}, True),
        (ROWS, {"QueryExecutionId": "x"}, False),
        ({}, {"a": 1}, False),
    ],
)
def test_a_limit_or_a_beginning_asks_for_one_page(config, parameters, one):
    assert asks_for_one_page(config, parameters) is one
