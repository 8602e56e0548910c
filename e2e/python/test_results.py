"""The outcomes of workflows. A failure is data, not an HTTP error."""

from decimal import Decimal

from flowgate import Flowgate, loads


def test_completed_workflow_has_a_result(flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Echo", new_id, task_queue, {"price": Decimal("1.10")})
    outcome = reader.result(new_id)
    assert outcome.status == "COMPLETED"
    assert outcome.result == [{"price": Decimal("1.10")}]
    assert outcome.failure is None


def test_failure_has_the_chain_of_its_causes(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    outcome = flowgate.execute("Fail", new_id, task_queue, {"message": "no stock"})
    assert outcome.status == "FAILED"
    chain = []
    failure = outcome.failure
    while failure:
        chain.append((failure["kind"], failure["type"]))
        failure = failure.get("cause")
    assert chain == [("application", "SampleFailure"), ("application", "Middle"), ("application", "Root")]
    assert outcome.failure is not None
    assert outcome.failure["message"] == "no stock"
    assert outcome.failure["details"] == [{"attempt": 1}, "a second detail"]


def test_failed_activity_has_its_cause(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    order = {"orderId": "o-1", "card": "declined", "items": [{"sku": "car", "quantity": 1, "price": 900000}]}
    failure = flowgate.execute("Order", new_id, task_queue, order).failure
    assert failure is not None
    assert (failure["kind"], failure["activityType"]) == ("activity", "charge")
    assert failure["cause"]["type"] == "PaymentDeclined"
    assert failure["cause"]["nonRetryable"]
    assert failure["cause"]["details"][0]["amount"] == 900000


def test_failure_has_the_requested_status(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("Fail", new_id, task_queue, {})
    path, _ = flowgate.workflow(new_id, "/result")
    response = flowgate.send("GET", path, params={"failureStatus": 422})
    assert response.status_code == 422
    assert loads(response.text)["status"] == "FAILED"


def test_result_is_pending_and_then_available(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Sleep", new_id, task_queue, {"seconds": 1})
    path, _ = flowgate.workflow(new_id, "/result")
    response = flowgate.send("GET", path)
    assert response.status_code == 202
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Cache-Control"] == "no-store"

    pending = flowgate.result(new_id, wait=None)
    assert pending.pending
    outcome = flowgate.wait_again(pending)
    assert (outcome.run_id, outcome.status, outcome.result) == (pending.run_id, "COMPLETED", "slept")


def test_result_follows_the_run_chain_by_default(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Chain", new_id, task_queue, {"times": 2})
    last = flowgate.result(new_id, runId=started.run_id)
    assert (last.status, last.result) == ("COMPLETED", 3)
    assert last.run_id != started.run_id

    first = flowgate.result(new_id, runId=started.run_id, followRuns="false")
    assert (first.run_id, first.status) == (started.run_id, "CONTINUED_AS_NEW")
    assert first.new_run_id not in (None, started.run_id)
