"""Local activities, which the history records as markers."""

from __future__ import annotations

import pytest

from flowgate import Flowgate, Object
from observe import attributes_of_each, event_types, failure_kinds


def markers(flowgate: Flowgate, workflow_id: str) -> list[Object]:
    """The attributes of the marker of each local activity."""
    recorded = attributes_of_each(flowgate, workflow_id, "markerRecorded")
    assert {marker["markerName"] for marker in recorded} == {"core_local_activity"}
    return recorded


def test_local_activities_are_called_with_every_sdk_function(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("CallLocalActivities", new_id, task_queue, "Ann")
    waved = "(Ann is waved at)"
    assert outcome.result == ["Hello, Ann", "Hi, Ann", waved, "ANN", "As usual, Ann", waved, "ANN", "As usual, Ann"]
    assert "ACTIVITY_TASK_SCHEDULED" not in event_types(flowgate, new_id)
    details_of_markers = [marker["details"] for marker in markers(flowgate, new_id)]
    assert [details["result"] for details in details_of_markers[:5]] == [[result] for result in outcome.result[:5]]


def test_local_activity_is_retried_within_its_task(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("RetryLocalActivity", new_id, task_queue, 3, 0.01, 60, 0).result == 3
    assert "TIMER_STARTED" not in event_types(flowgate, new_id)
    (marker,) = markers(flowgate, new_id)
    assert marker["details"]["data"][0]["attempt"] == 3


def test_long_retry_of_a_local_activity_uses_a_timer(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    """Above the threshold, the worker completes the workflow task, and a marker records the failed attempt."""
    assert flowgate.execute("RetryLocalActivity", new_id, task_queue, 2, 0.1, 0.01, 0).result == 2
    assert "TIMER_FIRED" in event_types(flowgate, new_id)
    first, second = markers(flowgate, new_id)
    assert first["failure"]["message"] == "not yet"
    assert "failure" not in second


def test_local_activity_failure_is_the_workflow_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    """The SDK does not wrap this failure in an activity failure. It wraps only a timeout."""
    failure = flowgate.execute("RetryLocalActivity", new_id, task_queue, 99, 0.01, 60, 2).failure
    assert failure
    assert failure_kinds(failure) == ["application"]
    assert (failure["type"], failure["details"]) == ("NotYet", [{"attempt": 2}])
    (marker,) = markers(flowgate, new_id)
    assert marker["failure"]["applicationFailureInfo"] == {"type": "NotYet", "details": [{"attempt": 2}]}


def test_summary_of_a_local_activity_is_in_the_history(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("RetryLocalActivity", new_id, task_queue, 1, 0.01, 60, 0)
    (marker,) = (event for event in flowgate.history(new_id) if event["eventType"] == "EVENT_TYPE_MARKER_RECORDED")
    assert marker["userMetadata"] == {"summary": "Tries again"}


def test_local_activity_times_out(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("LetLocalActivityTimeOut", new_id, task_queue).failure
    assert failure
    assert failure_kinds(failure) == ["activity", "timeout"]
    assert failure["cause"]["timeoutType"] == "START_TO_CLOSE"


def test_workflow_waits_for_its_cancelled_local_activity(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("CancelLocalActivity", new_id, task_queue, "WAIT_CANCELLATION_COMPLETED")
    assert outcome.result == "cleaned up"


@pytest.mark.parametrize("cancellation_type", ["TRY_CANCEL", "ABANDON"])
def test_cancelled_local_activity_is_the_cause_of_the_failure(
    flowgate: Flowgate, task_queue: str, new_id: str, cancellation_type: str
) -> None:
    outcome = flowgate.execute("CancelLocalActivity", new_id, task_queue, cancellation_type)
    assert (outcome.status, failure_kinds(outcome.failure)) == ("FAILED", ["activity", "canceled"])
