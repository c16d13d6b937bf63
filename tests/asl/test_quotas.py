"""The quotas that the linter and the engine share."""

from statebag.asl import quotas
from statebag.policy import Policy


def test_a_bag_and_what_is_made_of_it_fit_the_payload_limit():
    assert 2 * Policy().max_bag_bytes < quotas.PAYLOAD_LIMIT == 256 * 1024


def test_each_quota_is_a_positive_number_that_is_exported():
    found = {name: value for name, value in vars(quotas).items() if name.isupper()}
    assert found.keys() == set(quotas.__all__)
    assert all(value > 0 for value in found.values())


def test_a_retry_may_wait_a_year_and_no_timeout_is_shorter_than_a_call():
    assert quotas.RETRY_DELAY_SECONDS == 366 * 24 * 60 * 60
    assert quotas.CALL_SECONDS < quotas.MOST_SECONDS
