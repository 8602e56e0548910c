"""Activities in the description of a running workflow, in the history, and as the cause of a failure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from flowgate import Flowgate, Object
from observe import attributes_of_each, attributes_of_only, event_types, eventually, failure_kinds


def heartbeating(flowgate: Flowgate, workflow_id: str) -> Object:
    """Waits for the first heartbeat of a workflow's activity, and returns the activity."""

    def read() -> list[Object]:
        pending = flowgate.describe(workflow_id).get("pendingActivities", [])
        return [activity for activity in pending if "heartbeatDetails" in activity]

    return eventually(read)[0]


def test_activities_are_called_with_every_sdk_function(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("CallActivities", new_id, task_queue, "Ann")
    waved = "(Ann is waved at)"
    assert outcome.result == ["Hello, Ann", "Hi, Ann", waved, "ANN", "As usual, Ann", waved, "ANN", "As usual, Ann"]
    scheduled = [
        event["activityType"]["name"] for event in attributes_of_each(flowgate, new_id, "activityTaskScheduled")
    ]
    assert scheduled[:5] == ["greet", "greet", "wave", "shout", "greet_as_usual"]
    assert sorted(scheduled[5:]) == ["greet_as_usual", "shout", "wave"]
    assert attributes_of_each(flowgate, new_id, "activityTaskScheduled")[0]["input"] == ["Hello", "Ann"]
    assert attributes_of_each(flowgate, new_id, "activityTaskCompleted")[0]["result"] == ["Hello, Ann"]


def test_running_activity_has_its_options_and_heartbeat(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("ConfigureActivity", new_id, task_queue)
    activity = heartbeating(flowgate, new_id)
    assert {name: activity[name] for name in activity if not name.endswith(("Time", "Identity"))} == {
        "activityId": "the-busy-one",
        "activityType": "keep_busy",
        "state": "STARTED",
        "attempt": 1,
        "maximumAttempts": 5,
        "heartbeatDetails": [{"busy": 12345678901234567890}],
        "taskQueue": task_queue,
        "scheduleToCloseTimeout": "240s",
        "scheduleToStartTimeout": "180s",
        "startToCloseTimeout": "120s",
        "heartbeatTimeout": "60s",
        "retryPolicy": {
            "initialInterval": "2s",
            "backoffCoefficient": Decimal("1.5"),
            "maximumInterval": "7s",
            "maximumAttempts": 5,
        },
        "priority": {"priorityKey": 2, "fairnessKey": "ann", "fairnessWeight": Decimal("1.5")},
    }
    assert {"scheduledTime", "lastStartedTime", "lastHeartbeatTime", "expirationTime"} <= activity.keys()
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "cleaned up"
    assert "pendingActivities" not in flowgate.describe(new_id)


def test_history_has_activity_options_that_describe_omits(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    """These are the summary, the non-retryable error types and the versioning intent of an activity."""
    flowgate.start("ConfigureActivity", new_id, task_queue)
    heartbeating(flowgate, new_id)
    (scheduled,) = (event for event in flowgate.history(new_id) if "activityTaskScheduledEventAttributes" in event)
    assert scheduled["userMetadata"] == {"summary": "Keeps **busy**"}
    options = scheduled["activityTaskScheduledEventAttributes"]
    assert options["retryPolicy"]["nonRetryableErrorTypes"] == ["Hopeless"]
    assert options["useWorkflowBuildId"]
    flowgate.terminate(new_id)


def test_activity_between_attempts_has_its_last_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("RetryActivity", new_id, task_queue, 2, 3600, 5, [])

    def read() -> list[Object]:
        pending = flowgate.describe(new_id).get("pendingActivities", [])
        return [activity for activity in pending if "lastFailure" in activity]

    activity = eventually(read)[0]
    assert (activity["state"], activity["attempt"], activity["maximumAttempts"]) == ("SCHEDULED", 2, 5)
    assert {"currentRetryInterval", "nextAttemptScheduleTime"} <= activity.keys()
    failure = activity["lastFailure"]
    assert (failure["message"], failure["type"], failure["details"]) == ("not yet", "NotYet", [{"attempt": 1}])
    flowgate.terminate(new_id)


def test_history_counts_the_attempts_of_an_activity(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("RetryActivity", new_id, task_queue, 3, 0.01, 0, []).result == 3
    started = attributes_of_only(flowgate, new_id, "activityTaskStarted")
    assert started["attempt"] == 3
    assert started["lastFailure"]["message"] == "not yet"


@pytest.mark.parametrize(
    ("maximum", "non_retryable", "retry_state"),
    [(2, [], "MAXIMUM_ATTEMPTS_REACHED"), (0, ["NotYet"], "NON_RETRYABLE_FAILURE")],
    ids=["maximum attempts", "non-retryable"],
)
def test_failed_activity_is_the_cause_of_the_failure(
    flowgate: Flowgate, task_queue: str, new_id: str, maximum: int, non_retryable: list[str], retry_state: str
) -> None:
    failure = flowgate.execute("RetryActivity", new_id, task_queue, 99, 0.01, maximum, non_retryable).failure
    assert failure
    assert failure_kinds(failure) == ["activity", "application"]
    assert (failure["activityType"], failure["activityId"]) == ("fail_until", "1")
    assert failure["retryState"] == retry_state
    cause = failure["cause"]
    assert (cause["message"], cause["type"], cause["details"]) == ("not yet", "NotYet", [{"attempt": maximum or 1}])
    assert "fail_until" in cause["stackTrace"]


@pytest.mark.parametrize("timeout", ["SCHEDULE_TO_START", "START_TO_CLOSE", "SCHEDULE_TO_CLOSE", "HEARTBEAT"])
def test_activity_times_out(flowgate: Flowgate, task_queue: str, new_id: str, timeout: str) -> None:
    failure = flowgate.execute("LetActivityTimeOut", new_id, task_queue, timeout).failure
    assert failure
    assert failure_kinds(failure) == ["activity", "timeout"]
    assert failure["cause"]["timeoutType"] == timeout
    details = None if timeout == "SCHEDULE_TO_START" else ["the last heartbeat", {"left": 12345678901234567890}]
    assert failure["cause"].get("lastHeartbeatDetails") == details


def test_cancelled_workflow_tries_to_cancel_its_activity(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("CancelActivity", new_id, task_queue, "TRY_CANCEL")
    heartbeating(flowgate, new_id)
    flowgate.cancel(new_id)
    assert flowgate.result(new_id).status == "CANCELED"
    events = event_types(flowgate, new_id)
    assert "ACTIVITY_TASK_CANCEL_REQUESTED" in events
    assert "ACTIVITY_TASK_COMPLETED" not in events


def test_cancelled_workflow_waits_for_its_activity(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("CancelActivity", new_id, task_queue, "WAIT_CANCELLATION_COMPLETED")
    heartbeating(flowgate, new_id)
    flowgate.cancel(new_id)
    outcome = flowgate.result(new_id)
    assert (outcome.status, outcome.result) == ("COMPLETED", "cleaned up")
    events = event_types(flowgate, new_id)
    assert events.index("ACTIVITY_TASK_CANCEL_REQUESTED") < events.index("ACTIVITY_TASK_COMPLETED")


def test_cancelled_workflow_abandons_its_activity(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("CancelActivity", new_id, task_queue, "ABANDON")
    heartbeating(flowgate, new_id)
    flowgate.cancel(new_id)
    assert flowgate.result(new_id).status == "CANCELED"
    assert "ACTIVITY_TASK_CANCEL_REQUESTED" not in event_types(flowgate, new_id)
