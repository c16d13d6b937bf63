"""What an execution and a head have in common for those who look at their states."""

from statebag.ui.state_moments import Moment


def test_moments_of_an_execution(good):
    moments = list(good.moments(good.payload_event(), 0))
    assert [one.state for one in moments if one.type == "TaskStateEntered"] == ["Load", "Change"]
    assert all(isinstance(one, Moment) and one.read().text for one in moments)
    assert [one.number for one in good.moments(moments[-1].number, moments[-2].number)] == [
        moments[-1].number
    ]
    assert good.key == good.arn.arn
    assert good.kind_of(1) == "ExecutionStarted"
