"""Child workflows: how parent and child refer to each other, and what happens to a child when the parent closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from flowgate import Flowgate, Object
from observe import attributes_of_only, event_types, eventually, failure_kinds


def child_of(flowgate: Flowgate, workflow_id: str) -> Object:
    """Waits until the parent has recorded the start of its child, and returns the pending child."""

    def read() -> list[Object]:
        parent = flowgate.describe(workflow_id)
        return [
            child
            for child in parent.get("pendingChildren", [])
            if "runId" in child and "pendingWorkflowTask" not in parent
        ]

    return eventually(read)[0]


def test_parent_and_child_refer_to_each_other(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    parent = flowgate.start("Parent", new_id, task_queue)
    pending = child_of(flowgate, new_id)
    child = flowgate.describe(f"{new_id}-child")
    assert pending == {
        "workflowId": f"{new_id}-child",
        "runId": child["runId"],
        "workflowType": "Child",
        "initiatedEventId": 5,
        "parentClosePolicy": "TERMINATE",
    }
    execution = {"workflowId": new_id, "runId": parent.run_id}
    assert {name: child["parent"][name] for name in execution} == execution
    assert child["root"] == execution
    flowgate.signal(f"{new_id}-child", "complete", "so")
    assert flowgate.result(new_id).result == "completed with so"
    assert "pendingChildren" not in flowgate.describe(new_id)


def test_parent_has_the_result_in_its_history(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("ParentOfFailure", new_id, task_queue, 1, 1)
    completed = attributes_of_only(flowgate, new_id, "childWorkflowExecutionCompleted")
    assert completed["workflowExecution"]["workflowId"] == f"{new_id}-child"
    assert completed["result"] == [1]


def test_parent_signals_its_child(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    child_id, first_run, result = flowgate.execute("ParentByName", new_id, task_queue).result
    child = flowgate.describe(child_id)
    assert (child_id, first_run, result) == (f"{new_id}-child", child["firstExecutionRunId"], "completed with by name")
    signal = attributes_of_only(flowgate, new_id, "signalExternalWorkflowExecutionInitiated")
    assert (signal["signalName"], signal["input"], signal["childWorkflowOnly"]) == ("complete", ["by name"], True)
    signalled = attributes_of_only(flowgate, child_id, "workflowExecutionSignaled")
    assert signalled["externalWorkflowExecution"]["workflowId"] == new_id


@pytest.mark.parametrize(("policy", "status"), [("TERMINATE", "TERMINATED"), ("REQUEST_CANCEL", "CANCELED")])
def test_child_ends_with_its_parent(flowgate: Flowgate, task_queue: str, new_id: str, policy: str, status: str) -> None:
    assert flowgate.execute("ParentThatCompletes", new_id, task_queue, policy).status == "COMPLETED"
    assert flowgate.result(f"{new_id}-child").status == status
    assert attributes_of_only(flowgate, new_id, "startChildWorkflowExecutionInitiated")["parentClosePolicy"].endswith(
        policy
    )


def test_child_outlives_its_parent(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("ParentThatCompletes", new_id, task_queue, "ABANDON").status == "COMPLETED"
    child = flowgate.describe(f"{new_id}-child")
    assert (child["status"], child["parent"]["workflowId"]) == ("RUNNING", new_id)
    flowgate.signal(f"{new_id}-child", "complete", "later")
    assert flowgate.result(f"{new_id}-child").result == "completed with later"


@pytest.fixture
def cancelling(flowgate: Flowgate, task_queue: str, new_id: str) -> Iterator[Callable[[str], Callable[[], str | None]]]:
    """Starts a parent that cancels its child. Returns a function that reads the outcome of the child."""

    def cancel(cancellation_type: str) -> Callable[[], str | None]:
        flowgate.start("ParentThatCancels", new_id, task_queue, cancellation_type)
        child_of(flowgate, new_id)
        flowgate.signal(new_id, "cancel_child")
        return lambda: flowgate.query(new_id, "outcome")

    yield cancel
    flowgate.terminate(new_id)


Cancelling = Callable[[str], Callable[[], str | None]]


def test_parent_waits_for_the_child_that_it_cancels(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("WAIT_CANCELLATION_COMPLETED")
    eventually(lambda: flowgate.describe(f"{new_id}-child").get("cancelRequested"))
    assert outcome() is None
    flowgate.signal(f"{new_id}-child", "end")
    assert eventually(outcome) == "cleaned up"


def test_parent_waits_until_cancellation_is_requested(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("WAIT_CANCELLATION_REQUESTED")
    eventually(lambda: "EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED" in event_types(flowgate, new_id))
    assert flowgate.describe(f"{new_id}-child")["cancelRequested"]
    flowgate.signal(f"{new_id}-child", "end")
    assert eventually(outcome)


def test_parent_does_not_wait_for_the_child_that_it_cancels(
    flowgate: Flowgate, new_id: str, cancelling: Cancelling
) -> None:
    outcome = cancelling("TRY_CANCEL")
    assert eventually(outcome) == "CancelledError"
    assert child_of(flowgate, new_id)["workflowId"] == f"{new_id}-child"
    eventually(lambda: flowgate.describe(f"{new_id}-child").get("cancelRequested"))


def test_parent_abandons_the_child_that_it_cancels(flowgate: Flowgate, new_id: str, cancelling: Cancelling) -> None:
    outcome = cancelling("ABANDON")
    assert eventually(outcome) == "CancelledError"
    assert "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED" not in event_types(flowgate, new_id)
    assert "cancelRequested" not in flowgate.describe(f"{new_id}-child")


def test_child_has_its_options(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("ConfigureChild", new_id, task_queue)
    child_of(flowgate, new_id)
    child = flowgate.describe(f"{new_id}-child")
    assert child["taskQueue"] == task_queue
    assert [child[f"{limit}Timeout"] for limit in ("execution", "run", "task")] == ["10800s", "7200s", "9s"]
    assert child["memo"] == {"why": ["a test"]}
    assert child["searchAttributes"]["CustomerId"] == {"type": "Keyword", "value": "c-1"}
    assert (child["staticSummary"], child["staticDetails"]) == ("A **child**", "Of some age")
    assert child["priority"] == {"priorityKey": 2}
    started = attributes_of_only(flowgate, f"{new_id}-child", "workflowExecutionStarted")
    assert (started["retryPolicy"]["initialInterval"], started["retryPolicy"]["maximumAttempts"]) == ("2s", 3)
    initiated = attributes_of_only(flowgate, new_id, "startChildWorkflowExecutionInitiated")
    assert initiated["workflowIdReusePolicy"] == "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE"
    assert initiated["inheritBuildId"]
    flowgate.terminate(new_id)


def test_child_runs_on_a_cron_schedule(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("ParentOfCron", new_id, task_queue)
    assert attributes_of_only(flowgate, f"{new_id}-child", "workflowExecutionStarted")["cronSchedule"] == "0 0 1 1 *"
    flowgate.terminate(f"{new_id}-child")


def test_child_is_retried(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("ParentOfFailure", new_id, task_queue, 2, 0).result == 2
    child = flowgate.describe(f"{new_id}-child")
    assert child["runId"] != child["firstExecutionRunId"]
    assert attributes_of_only(flowgate, f"{new_id}-child", "workflowExecutionStarted")["attempt"] == 2


def test_failed_child_is_the_cause_of_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("ParentOfFailure", new_id, task_queue, 99, 2).failure
    assert failure
    assert failure_kinds(failure) == ["childWorkflow", "application"]
    assert (failure["workflowId"], failure["workflowType"]) == (f"{new_id}-child", "Fail")
    assert failure["runId"] == flowgate.describe(f"{new_id}-child")["firstExecutionRunId"]
    assert failure["retryState"] == "MAXIMUM_ATTEMPTS_REACHED"
    cause = failure["cause"]
    assert (cause["message"], cause["type"], cause["details"]) == ("not yet", "NotYet", [{"attempt": 2}])


def test_child_that_timed_out_is_the_cause_of_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    failure = flowgate.execute("ParentOfTimeout", new_id, task_queue).failure
    assert failure
    assert failure_kinds(failure) == ["childWorkflow", "timeout"]
    assert (failure["retryState"], failure["cause"]["timeoutType"]) == ("RETRY_POLICY_NOT_SET", "START_TO_CLOSE")
    assert flowgate.result(f"{new_id}-child").status == "TIMED_OUT"


def test_terminated_child_is_the_cause_of_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Parent", new_id, task_queue)
    child_of(flowgate, new_id)
    flowgate.terminate(f"{new_id}-child", "no longer wanted")
    assert failure_kinds(flowgate.result(new_id).failure) == ["childWorkflow", "terminated"]


@pytest.mark.parametrize(
    ("policy", "closed"),
    [("ALLOW_DUPLICATE", False), ("REJECT_DUPLICATE", True)],
    ids=["the other is running", "the other is closed"],
)
def test_child_whose_id_is_in_use_does_not_start(
    flowgate: Flowgate, task_queue: str, new_id: str, policy: str, closed: bool
) -> None:
    failure = flowgate.execute("ParentOfDuplicates", new_id, task_queue, policy, closed).failure
    assert failure_kinds(failure) == ["application"]
    assert failure
    assert failure["message"] == "Workflow execution already started"
    failed = attributes_of_only(flowgate, new_id, "startChildWorkflowExecutionFailed")
    assert failed["workflowId"] == f"{new_id}-child"
    assert failed["cause"] == "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS"


def test_child_reuses_the_id_of_a_closed_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("ParentOfDuplicates", new_id, task_queue, "ALLOW_DUPLICATE", True)
    assert outcome.result == "completed with second"
