"""Operations on a running workflow: describe, signal, query, cancel and terminate."""

from typing import Any

import pytest

from flowgate import Flowgate, FlowgateError

ITEMS = [{"sku": "pen", "quantity": 1, "price": 300}]


def test_describe_returns_a_run(flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start(
        "Wait",
        new_id,
        task_queue,
        runTimeout="1h30m",
        memo={"channel": "web"},
        searchAttributes={"CustomerId": "c-1"},
        staticSummary="An order",
        priority={"priorityKey": 2},
    )
    workflow = reader.describe(new_id, runId=started.run_id)
    assert workflow["workflowType"] == "Wait"
    assert workflow["taskQueue"] == task_queue
    assert workflow["status"] == "RUNNING"
    assert workflow["runTimeout"] == "5400s"
    assert workflow["memo"] == {"channel": "web"}
    assert workflow["searchAttributes"]["CustomerId"] == {"type": "Keyword", "value": "c-1"}
    assert workflow["staticSummary"] == "An order"
    assert workflow["priority"] == {"priorityKey": 2}
    flowgate.terminate(new_id)


def test_metadata_has_the_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS})

    def names(handlers: list[dict[str, Any]]) -> set[str]:
        return {handler["name"] for handler in handlers}

    metadata = flowgate.metadata(new_id)
    assert "Order **o-1** is" in metadata["currentDetails"]
    assert {"approve", "reject", "amend"} <= names(metadata["definition"]["signals"])
    assert {"status", "items"} <= names(metadata["definition"]["queries"])
    assert {"addItem", "setAddress"} <= names(metadata["definition"]["updates"])
    flowgate.terminate(new_id)


def test_order_is_queried_and_approved(flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS})
    assert reader.query_by_name(new_id, "items") == ITEMS
    assert reader.query(new_id, "items") == ITEMS
    flowgate.signal(new_id, "approve", {"by": "ann"})
    outcome = flowgate.result(new_id)
    assert outcome.result == {"orderId": "o-1", "status": "approved", "total": 300, "approvedBy": "ann"}


def test_query_takes_arguments(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    assert flowgate.query(new_id, "echo", {"big": 12345678901234567890}) == {"big": 12345678901234567890}
    flowgate.terminate(new_id)


def test_query_of_a_closed_workflow_can_be_rejected(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    flowgate.signal(new_id, "finish", 1)
    flowgate.result(new_id)
    assert flowgate.query(new_id, "state") == "finished"
    with pytest.raises(FlowgateError) as by_post:
        flowgate.query(new_id, "state", rejectCondition="NOT_OPEN")
    with pytest.raises(FlowgateError) as by_get:
        flowgate.query_by_name(new_id, "state", rejectCondition="NOT_OPEN")
    for rejected in (by_post.value, by_get.value):
        assert (rejected.status, rejected.code) == (409, "query-rejected")
        assert rejected.problem["workflowStatus"] == "COMPLETED"


def test_signal_with_an_idempotency_key_is_recorded_once(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    flowgate.signal(new_id, "poke", idempotency_key="first")
    flowgate.signal(new_id, "poke", idempotency_key="first")
    flowgate.signal(new_id, "poke", idempotency_key="second")
    assert flowgate.query(new_id, "signals") == 2
    flowgate.terminate(new_id)


def test_cancelled_order_has_the_status_canceled(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS})
    flowgate.cancel(new_id, "the customer withdrew it", firstExecutionRunId=started.run_id)
    outcome = flowgate.result(new_id)
    assert outcome.status == "CANCELED"
    assert outcome.failure is not None
    assert outcome.failure["kind"] == "canceled"
    with pytest.raises(FlowgateError) as closed:
        flowgate.signal(new_id, "approve")
    assert (closed.value.status, closed.value.code) == (409, "workflow-completed")


def test_cancel_needs_no_body(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Sleep", new_id, task_queue, {"seconds": 3600})
    flowgate.cancel(new_id)
    assert flowgate.result(new_id).status == "CANCELED"


def test_cancel_of_another_run_chain_is_rejected(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    with pytest.raises(FlowgateError) as mismatch:
        flowgate.cancel(new_id, firstExecutionRunId="0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01")
    assert (mismatch.value.status, mismatch.value.code) == (409, "run-chain-mismatch")
    assert "cancelRequested" not in flowgate.describe(new_id)
    flowgate.terminate(new_id)


def test_termination_keeps_its_reason_and_details(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Wait", new_id, task_queue)
    flowgate.terminate(new_id, "stuck", {"ticket": "OPS-311"}, 12345678901234567890, runId=started.run_id)
    outcome = flowgate.result(new_id)
    assert outcome.status == "TERMINATED"
    assert outcome.failure is not None
    assert outcome.failure["kind"] == "terminated"
    assert outcome.failure["message"] == "stuck"
    assert outcome.failure["details"] == [{"ticket": "OPS-311"}, 12345678901234567890]
