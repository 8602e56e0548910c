"""Updates complete, are rejected, fail, or are not admitted."""

import pytest

from flowgate import Flowgate, FlowgateError

ITEMS = [{"sku": "pen", "quantity": 1, "price": 300}]


def item(quantity: int, price: int) -> dict[str, object]:
    return {"sku": "ink", "quantity": quantity, "price": price}


def test_an_update_runs_once_and_its_outcome_can_be_read(
    flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str
) -> None:
    run_id = flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS}).run_id
    for _ in range(2):
        update = flowgate.update(new_id, "addItem", item(1, 900), updateId="a/b")
        assert update == {
            "workflowId": new_id,
            "runId": run_id,
            "updateId": "a/b",
            "stage": "COMPLETED",
            "status": "COMPLETED",
            "result": {"items": 2, "total": 1200},
        }
    assert reader.update_result(new_id, "a/b", runId=run_id, wait="5s") == update
    with pytest.raises(FlowgateError) as unknown:
        reader.update_result(new_id, "another")
    assert (unknown.value.status, unknown.value.code) == (404, "update-not-found")
    flowgate.terminate(new_id)


def test_rejected_failed_and_not_admitted_updates_differ(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS})
    rejected = flowgate.update(new_id, "addItem", item(0, 900))
    assert (rejected["status"], rejected["failure"]["message"]) == ("REJECTED", "quantity is 0 and must be positive")
    assert flowgate.update(new_id, "addItem", item(1, 9_000_000))["status"] == "FAILED"
    flowgate.terminate(new_id)
    flowgate.start("Order", new_id + "-idle", "unpolled")
    with pytest.raises(FlowgateError) as not_admitted:
        flowgate.update(new_id + "-idle", "addItem", item(1, 1), wait="1s", updateId="u")
    assert (not_admitted.value.code, not_admitted.value.retryable) == ("update-not-admitted", True)
    assert not_admitted.value.problem["updateId"] == "u"
    flowgate.terminate(new_id + "-idle")


def test_update_with_start_starts_or_updates_a_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    start = {
        "workflowType": "Wait",
        "workflowId": new_id,
        "taskQueue": task_queue,
        "idConflictPolicy": "USE_EXISTING",
    }
    update = {"update": "echo", "args": [12345678901234567890]}
    first = flowgate.update_with_start(start, update, idempotency_key="once")
    assert first["start"]["started"]
    assert first["update"]["result"] == 12345678901234567890
    assert flowgate.update_with_start(start, update, idempotency_key="once") == first
    again = flowgate.update_with_start(start, update)
    assert (again["start"]["started"], again["start"]["runId"]) == (False, first["start"]["runId"])
    flowgate.terminate(new_id)
