"""Workflows that signal and cancel other workflows, as both histories record it."""

from __future__ import annotations

import pytest

from flowgate import Flowgate
from observe import attributes_of_only, failure_kinds

BY_RUN = pytest.mark.parametrize("by_run", [False, True], ids=["by id", "by run"])


@pytest.fixture
def target(flowgate: Flowgate, task_queue: str, new_id: str) -> tuple[str, str]:
    """The workflow id and the run id of a workflow that waits for a signal."""
    started = flowgate.start("Child", f"{new_id}-target", task_queue)
    return started.workflow_id, started.run_id


@BY_RUN
@pytest.mark.parametrize("typed", [False, True], ids=["by name", "by type"])
def test_workflow_signals_another(
    flowgate: Flowgate, task_queue: str, new_id: str, target: tuple[str, str], by_run: bool, typed: bool
) -> None:
    workflow_id, run_id = target
    outcome = flowgate.execute("SignalAnother", new_id, task_queue, workflow_id, run_id if by_run else None, typed)
    assert outcome.result == [workflow_id, run_id if by_run else None]
    text = "by type" if typed else "by name"
    assert flowgate.result(workflow_id).result == f"completed with {text}"
    initiated = attributes_of_only(flowgate, new_id, "signalExternalWorkflowExecutionInitiated")
    assert (initiated["signalName"], initiated["input"]) == ("complete", [text])
    assert initiated["workflowExecution"].get("runId") == (run_id if by_run else None)
    signalled = attributes_of_only(flowgate, workflow_id, "workflowExecutionSignaled")
    assert signalled["externalWorkflowExecution"] == {"workflowId": new_id, "runId": outcome.run_id}


@BY_RUN
def test_workflow_cancels_another(
    flowgate: Flowgate, task_queue: str, new_id: str, target: tuple[str, str], by_run: bool
) -> None:
    workflow_id, run_id = target
    outcome = flowgate.execute("CancelAnother", new_id, task_queue, workflow_id, run_id if by_run else None)
    assert flowgate.result(workflow_id).status == "CANCELED"
    initiated = attributes_of_only(flowgate, new_id, "requestCancelExternalWorkflowExecutionInitiated")
    assert initiated["workflowExecution"].get("runId") == (run_id if by_run else None)
    requested = attributes_of_only(flowgate, workflow_id, "workflowExecutionCancelRequested")
    assert requested["externalWorkflowExecution"] == {"workflowId": new_id, "runId": outcome.run_id}


@pytest.mark.parametrize(
    ("workflow_type", "args", "event"),
    [
        ("SignalAnother", [False], "signalExternalWorkflowExecutionFailed"),
        ("CancelAnother", [], "requestCancelExternalWorkflowExecutionFailed"),
    ],
    ids=["signal", "cancel"],
)
def test_missing_external_workflow_fails_the_caller(
    flowgate: Flowgate, task_queue: str, new_id: str, workflow_type: str, args: list[bool], event: str
) -> None:
    outcome = flowgate.execute(workflow_type, new_id, task_queue, f"{new_id}-missing", None, *args)
    assert (outcome.status, failure_kinds(outcome.failure)) == ("FAILED", ["application"])
    failed = attributes_of_only(flowgate, new_id, event)
    assert failed["workflowExecution"]["workflowId"] == f"{new_id}-missing"
    assert failed["cause"].endswith("_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND")
