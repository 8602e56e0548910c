"""Nexus operations in the description, the history and the outcome of the calling workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from flowgate import Flowgate, Object
from observe import attributes_of_only, event_types, eventually, failure_kinds

Cancelling = Callable[[str], Callable[[], str | None]]


def operation(flowgate: Flowgate, workflow_id: str, state: str) -> Object:
    """Waits until the pending operation of a workflow has the given state and the worker has handled that state."""

    def read() -> list[Object]:
        caller = flowgate.describe(workflow_id)
        pending = [] if "pendingWorkflowTask" in caller else caller.get("pendingNexusOperations", [])
        return [operation for operation in pending if operation["state"] == state]

    return eventually(read)[0]


def test_operation_completes_synchronously(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("Ask", new_id, task_queue, "is it").result == "is it: yes"
    (event,) = (event for event in flowgate.history(new_id) if "nexusOperationScheduledEventAttributes" in event)
    assert event["userMetadata"] == {"summary": "A **question**"}
    scheduled = event["nexusOperationScheduledEventAttributes"]
    assert [scheduled[name] for name in ("endpoint", "service", "operation")] == [task_queue, "Desk", "answer"]
    assert (scheduled["input"], scheduled["scheduleToCloseTimeout"]) == ("is it", "60s")
    assert attributes_of_only(flowgate, new_id, "nexusOperationCompleted")["result"] == "is it: yes"


def test_operation_is_called_by_name(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("AskByName", new_id, task_queue, "is it").result == "is it: yes"


def test_asynchronous_operation_starts_a_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("PonderAndWait", new_id, task_queue)
    pending = operation(flowgate, new_id, "STARTED")
    assert [callback["state"] for callback in flowgate.describe(f"{new_id}-pondering")["callbacks"]] == ["STANDBY"]
    flowgate.cancel(f"{new_id}-pondering")
    flowgate.signal(f"{new_id}-pondering", "end")
    assert flowgate.result(new_id).result == "cleaned up"
    assert attributes_of_only(flowgate, new_id, "nexusOperationStarted")["operationToken"] == pending["operationToken"]
    assert attributes_of_only(flowgate, new_id, "nexusOperationCompleted")["result"] == "cleaned up"
    callback = eventually(lambda: completed_callback(flowgate, f"{new_id}-pondering"))
    assert (callback["state"], callback["attempt"]) == ("SUCCEEDED", 1)


def completed_callback(flowgate: Flowgate, workflow_id: str) -> Object | None:
    """The callback of a closed workflow, or None if the callback has not ended."""
    (callback,) = flowgate.describe(workflow_id)["callbacks"]
    return callback if "lastAttemptCompleteTime" in callback else None


def test_running_operation_has_its_options(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Ponder", new_id, task_queue, "ABANDON")
    pending = operation(flowgate, new_id, "STARTED")
    assert {"operationToken", "scheduledTime", "lastAttemptCompleteTime"} <= pending.keys()
    assert {name: pending[name] for name in pending if not name.endswith(("Time", "Token"))} == {
        "endpoint": task_queue,
        "service": "Desk",
        "operation": "ponder",
        "state": "STARTED",
        "attempt": 1,
        "scheduledEventId": 5,
        "scheduleToCloseTimeout": "180s",
        "scheduleToStartTimeout": "120s",
        "startToCloseTimeout": "60s",
    }
    flowgate.terminate(new_id)
    flowgate.terminate(f"{new_id}-pondering")


def test_operation_between_attempts_has_its_last_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Ask", new_id, task_queue, "retry")
    pending = operation(flowgate, new_id, "BACKING_OFF")
    assert pending["nextAttemptScheduleTime"] > pending["lastAttemptCompleteTime"]
    failure = pending["lastAttemptFailure"]
    assert (failure["kind"], failure["handlerErrorType"]) == ("nexusHandler", "UNAVAILABLE")
    assert failure["message"] == "temporarily unavailable"
    flowgate.terminate(new_id)


def test_rejected_operation_is_the_cause_of_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("Ask", new_id, task_queue, "reject").failure
    assert failure
    assert failure_kinds(failure) == ["nexusOperation", "application"]
    assert [failure[name] for name in ("endpoint", "service", "operation")] == [task_queue, "Desk", "answer"]
    assert (failure["cause"]["message"], failure["cause"]["type"]) == ("rejected", "OperationError")


def test_error_of_a_handler_is_the_cause_of_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("Ask", new_id, task_queue, "not found").failure
    assert failure
    assert failure_kinds(failure) == ["nexusOperation", "nexusHandler"]
    assert (failure["cause"]["message"], failure["cause"]["handlerErrorType"]) == ("unknown question", "NOT_FOUND")


def test_failure_of_a_handler_keeps_its_details(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("Ask", new_id, task_queue, "fail").failure
    assert failure
    assert failure_kinds(failure) == ["nexusOperation", "nexusHandler", "application"]
    handler = failure["cause"]
    assert (handler["handlerErrorType"], handler["retryBehavior"]) == ("INTERNAL", "NON_RETRYABLE")
    assert (handler["cause"]["type"], handler["cause"]["details"]) == ("NoAnswer", [{"asked": "fail"}])


def test_operation_fails_when_its_workflow_is_terminated(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("PonderAndWait", new_id, task_queue)
    pending = operation(flowgate, new_id, "STARTED")
    flowgate.terminate(f"{new_id}-pondering")
    failure = flowgate.result(new_id).failure
    assert failure
    assert failure_kinds(failure) == ["nexusOperation", "terminated"]
    assert failure["operationToken"] == pending["operationToken"]


def test_operation_times_out(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("LetOperationTimeOut", new_id, task_queue).failure
    assert failure
    assert failure_kinds(failure) == ["nexusOperation", "timeout"]
    assert failure["cause"]["timeoutType"] == "START_TO_CLOSE"
    assert "NEXUS_OPERATION_TIMED_OUT" in event_types(flowgate, new_id)
    flowgate.terminate(f"{new_id}-pondering")


@pytest.fixture
def cancelling(flowgate: Flowgate, task_queue: str, new_id: str) -> Iterator[Cancelling]:
    """Starts a caller that cancels its operation. Returns a function that reads the outcome of the operation."""

    def cancel(cancellation_type: str) -> Callable[[], str | None]:
        flowgate.start("Ponder", new_id, task_queue, cancellation_type)
        operation(flowgate, new_id, "STARTED")
        flowgate.signal(new_id, "cancel_operation")
        return lambda: flowgate.query(new_id, "outcome")

    yield cancel
    flowgate.terminate(new_id)


def cancel_requested(flowgate: Flowgate, workflow_id: str) -> bool:
    return "cancelRequested" in flowgate.describe(workflow_id)


def test_caller_waits_for_its_cancelled_operation(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("WAIT_COMPLETED")
    eventually(lambda: cancel_requested(flowgate, f"{new_id}-pondering"))
    assert outcome() is None
    flowgate.signal(f"{new_id}-pondering", "end")
    assert eventually(outcome) == "cleaned up"


def test_caller_waits_until_cancellation_is_requested(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("WAIT_REQUESTED")
    assert eventually(outcome) == "CancelledError"
    assert "NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED" in event_types(flowgate, new_id)
    cancellation = operation(flowgate, new_id, "STARTED")["cancellation"]
    assert (cancellation["state"], cancellation["attempt"]) == ("SUCCEEDED", 1)
    flowgate.signal(f"{new_id}-pondering", "end")


def test_caller_does_not_wait_for_the_operation(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("TRY_CANCEL")
    assert eventually(outcome) == "CancelledError"
    eventually(lambda: cancel_requested(flowgate, f"{new_id}-pondering"))
    assert "NEXUS_OPERATION_CANCEL_REQUESTED" in event_types(flowgate, new_id)
    flowgate.signal(f"{new_id}-pondering", "end")


def test_caller_abandons_the_operation(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("ABANDON")
    assert eventually(outcome) == "CancelledError"
    assert "NEXUS_OPERATION_CANCEL_REQUESTED" not in event_types(flowgate, new_id)
    assert not cancel_requested(flowgate, f"{new_id}-pondering")
    flowgate.terminate(f"{new_id}-pondering")
