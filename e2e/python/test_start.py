"""Starting workflows."""

import pytest

from flowgate import Flowgate, FlowgateError, loads

ORDER = {"orderId": "o-1", "items": [{"sku": "book", "quantity": 2, "price": 1250}]}


def test_start_returns_the_location(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Wait", new_id, task_queue)
    assert started.workflow_id == new_id
    assert started.started
    assert started.first_execution_run_id == started.run_id

    described = loads(flowgate.send("GET", started.location).text)
    assert (described["workflowId"], described["runId"]) == (new_id, started.run_id)
    assert described["status"] == "RUNNING"
    flowgate.terminate(new_id)


def test_start_with_the_id_of_a_running_workflow_is_a_conflict(
    flowgate: Flowgate, task_queue: str, new_id: str
) -> None:
    started = flowgate.start("Wait", new_id, task_queue)
    with pytest.raises(FlowgateError) as conflict:
        flowgate.start("Wait", new_id, task_queue)
    assert (conflict.value.status, conflict.value.code) == (409, "workflow-already-started")
    assert conflict.value.problem["workflowId"] == new_id
    assert conflict.value.problem["runId"] == started.run_id
    assert not conflict.value.retryable
    flowgate.terminate(new_id)


def test_start_with_use_existing_returns_the_running_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Wait", new_id, task_queue)
    found = flowgate.start("Wait", new_id, task_queue, idConflictPolicy="USE_EXISTING")
    assert not found.started
    assert found.run_id == started.run_id
    flowgate.terminate(new_id)


def test_start_with_an_idempotency_key_starts_one_run(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Wait", new_id, task_queue, idempotency_key="checkout-" + new_id)
    again = flowgate.start("Wait", new_id, task_queue, idempotency_key="checkout-" + new_id)
    assert again.run_id == first.run_id
    with pytest.raises(FlowgateError) as conflict:
        flowgate.start("Wait", new_id, task_queue, idempotency_key="another-" + new_id)
    assert conflict.value.problem["runId"] == first.run_id
    flowgate.terminate(new_id)


def test_execute_returns_the_outcome(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("Order", new_id, task_queue, {**ORDER, "autoApprove": True})
    assert outcome.status == "COMPLETED"
    assert outcome.result == {"orderId": "o-1", "status": "approved", "total": 2500, "approvedBy": "autoApprove"}


def test_execute_waits_with_the_prefer_header(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    body = {"workflowType": "Echo", "workflowId": new_id, "taskQueue": task_queue, "args": [1]}
    response = flowgate.send("POST", flowgate.workflows(), body, {"Prefer": "wait=30"})
    assert response.status_code == 200
    assert loads(response.text)["result"] == [1]


def test_execute_is_pending_when_the_wait_times_out(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    pending = flowgate.execute("Wait", new_id, task_queue, wait="100ms")
    assert pending.pending
    flowgate.signal(new_id, "finish", "done")
    outcome = flowgate.wait_again(pending)
    assert (outcome.run_id, outcome.status, outcome.result) == (pending.run_id, "COMPLETED", "done")


def test_signal_with_start_starts_or_signals_a_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Wait", new_id, task_queue, startSignal="poke", startSignalArgs=[1])
    second = flowgate.start("Wait", new_id, task_queue, startSignal="poke", startSignalArgs=[2])
    assert (first.started, second.started) == (True, False)
    assert second.run_id == first.run_id
    assert flowgate.query(new_id, "signals") == 2
    flowgate.terminate(new_id)
