"""How many definitions that AWS refuses are found, and that none is refused which AWS took."""

import pytest

from tests import shared_data
from tests.lint import refused_corpus


def test_nearly_all_that_aws_refuses_is_found():
    everything = len(refused_corpus.REFUSED) + len(refused_corpus.REFUSED_EXPRESS)
    lost = refused_corpus.missed()
    assert len(lost) < everything / 50, lost


@pytest.mark.parametrize("_file", shared_data.parameters("aws-recordings/base.jsonl"))
def test_what_aws_took_is_not_refused(_file):
    taken = refused_corpus.accepted()
    assert len(taken) > 200
    assert [name for name, one in taken if refused_corpus.findings(one)] == []
