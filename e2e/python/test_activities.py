"""Reports about a running activity from outside of its worker, and activities without a workflow."""

from collections.abc import Callable

import pytest

from activities import Activities
from flowgate import JSON, Flowgate, FlowgateError, Object

Eventually = Callable[[Callable[[], bool]], None]

BINARY = {"metadata": {"encoding": "YmluYXJ5L3BsYWlu"}, "data": "AAE="}


@pytest.fixture
def approval(flowgate: Flowgate, task_queue: str, new_id: str, eventually: Eventually) -> Object:
    """A running activity of a workflow, which its worker leaves open: its token, and its ids."""
    run_id = flowgate.start("Approval", new_id, task_queue).run_id

    def details() -> list[Object]:
        pending = flowgate.describe(new_id).get("pendingActivities", [])
        return pending[0].get("heartbeatDetails", []) if pending else []

    eventually(lambda: bool(details()))
    return {**details()[0], "workflowId": new_id, "runId": run_id, "activityId": "approve"}


def test_activity_is_completed_by_token(flowgate: Flowgate, activities: Activities, approval: Object) -> None:
    assert activities.heartbeat(approval, {"done": 17}, 1) == {
        "cancelRequested": False,
        "activityPaused": False,
        "activityReset": False,
    }
    pending = flowgate.describe(approval["workflowId"])["pendingActivities"]
    assert pending[0]["heartbeatDetails"] == [{"done": 17}, 1]
    activities.complete(approval, result={"by": "ann", "amount": 12345678901234567890})
    assert flowgate.result(approval["workflowId"]).result == {"by": "ann", "amount": 12345678901234567890}
    with pytest.raises(FlowgateError) as closed:
        activities.complete(approval, result=1)
    assert (closed.value.status, closed.value.code) == (409, "workflow-completed")


def test_activity_is_completed_by_id(flowgate: Flowgate, activities: Activities, approval: Object) -> None:
    del approval["taskToken"]
    activities.complete(approval, resultPayload=BINARY)
    assert '"resultPayload":' in flowgate.result(approval["workflowId"]).text


def test_activity_is_failed(flowgate: Flowgate, activities: Activities, approval: Object) -> None:
    cause = {"message": "insufficient funds", "type": "Funds"}
    activities.fail(
        approval,
        "declined",
        type="PaymentDeclined",
        nonRetryable=True,
        details=[{"amount": 1999}],
        category="BENIGN",
        stackTrace="in charge",
        cause=cause,
        lastHeartbeatDetails=["half"],
    )
    outcome = flowgate.result(approval["workflowId"])
    assert outcome.status == "FAILED"
    assert outcome.failure
    assert outcome.failure["activityId"] == "approve"
    failure = outcome.failure["cause"]
    assert (failure["message"], failure["type"]) == ("declined", "PaymentDeclined")
    assert (failure["nonRetryable"], failure["category"]) == (True, "BENIGN")
    assert (failure["details"], failure["stackTrace"]) == ([{"amount": 1999}], "in charge")
    assert failure["cause"]["type"] == "Funds"


def test_activity_is_cancelled(
    flowgate: Flowgate, activities: Activities, approval: Object, eventually: Eventually
) -> None:
    with pytest.raises(FlowgateError) as early:
        activities.report_cancellation(approval)
    assert (early.value.status, early.value.code) == (409, "conflict")
    flowgate.cancel(approval["workflowId"])
    eventually(lambda: bool(activities.heartbeat(approval)["cancelRequested"]))
    activities.report_cancellation(approval, "the cart is empty")
    assert flowgate.result(approval["workflowId"]).status == "CANCELED"


def test_report_about_an_unknown_activity_is_not_found(activities: Activities, new_id: str) -> None:
    with pytest.raises(FlowgateError) as unknown:
        activities.heartbeat({"workflowId": new_id, "activityId": "approve"})
    assert unknown.value.status == 404


def test_activity_without_a_workflow_returns_its_outcome(activities: Activities, task_queue: str, new_id: str) -> None:
    payment = {"orderId": "o", "card": "visa", "amount": 1999}
    options = {"startToCloseTimeout": "30s", "wait": "30s"}
    assert activities.start("charge", new_id, task_queue, payment, **options)["status"] == "COMPLETED"
    declined = activities.start("charge", "declined-" + new_id, task_queue, {**payment, "card": "declined"}, **options)
    assert declined["status"] == "FAILED"
    assert declined["failure"]["type"] == "PaymentDeclined"
    assert activities.result("declined-" + new_id, runId=declined["runId"])["failure"] == declined["failure"]


def test_activity_without_a_workflow_keeps_its_options(
    activities: Activities, reader: Flowgate, new_id: str, eventually: Eventually
) -> None:
    options: Object = {
        "scheduleToCloseTimeout": "7200s",
        "scheduleToStartTimeout": "1800s",
        "startToCloseTimeout": "3600s",
        "heartbeatTimeout": "10s",
        "summary": "Charge",
        "searchAttributes": {"CustomerId": {"type": "Keyword", "value": new_id}},
        "priority": {"priorityKey": 2},
        "startDelay": "60s",
    }
    retry_policy = {"maximumAttempts": 3}
    started = activities.start(
        "charge", new_id, "unpolled-" + new_id, 12345678901234567890, retryPolicy=retry_policy, **options
    )
    described = Activities(reader).describe(new_id, runId=started["runId"])
    assert {name: described[name] for name in options} == options
    assert (described["activityType"], described["args"]) == ("charge", [12345678901234567890])
    assert described["retryPolicy"]["maximumAttempts"] == 3

    query = f'CustomerId = "{new_id}"'
    eventually(lambda: bool(activities.count(query)["count"] == 1))
    for listed in (activities.list(query), activities.stream(query, limit=1)):
        assert [activity["activityId"] for activity in listed] == [new_id]
    assert activities.result(new_id, wait=None)["status"] == "RUNNING"
    activities.terminate(new_id, "enough")
    assert activities.result(new_id)["failure"]["message"] == "enough"


def test_activity_without_a_workflow_starts_once(activities: Activities, new_id: str) -> None:
    def start(**options: JSON) -> Object:
        return activities.start("charge", new_id, "unpolled-" + new_id, startToCloseTimeout="1h", **options)

    first = start(idempotency_key=new_id)
    assert start(idempotency_key=new_id)["runId"] == first["runId"]
    with pytest.raises(FlowgateError) as running:
        start()
    assert (running.value.status, running.value.code) == (409, "activity-already-started")
    existing = start(idConflictPolicy="USE_EXISTING")
    assert (existing["runId"], existing["started"]) == (first["runId"], False)
    activities.terminate(new_id, runId=first["runId"])
    with pytest.raises(FlowgateError) as used:
        start(idReusePolicy="REJECT_DUPLICATE")
    assert (used.value.status, used.value.code) == (409, "activity-already-started")


def test_activity_without_a_workflow_is_cancelled(activities: Activities, new_id: str) -> None:
    activities.start("charge", new_id, "unpolled-" + new_id, startToCloseTimeout="1h")
    for _ in range(2):
        activities.cancel(new_id, "the customer left", idempotency_key=new_id)
    assert activities.result(new_id)["status"] == "CANCELED"
    assert activities.describe(new_id)["cancelReason"] == "the customer left"
