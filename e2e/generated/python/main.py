"""A service in Python, with the client of openapi-python-client."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from flowgate_client import AuthenticatedClient
from flowgate_client.api.activities import fail_activity
from flowgate_client.api.schedules import create_schedule, delete_schedule, describe_schedule
from flowgate_client.api.workflow import (
    describe_workflow,
    get_workflow_history,
    get_workflow_result,
    signal_workflow,
    update_workflow,
)
from flowgate_client.api.workflows import list_workflows, start_workflow
from flowgate_client.models import (
    CreateScheduleRequest,
    FailActivityRequest,
    Failure,
    FailureInput,
    HistoryEvent,
    Outcome,
    Problem,
    Schedule,
    ScheduleAction,
    ScheduleSpec,
    SignalRequest,
    StartedWorkflow,
    StartWorkflowRequest,
    UpdateRequest,
)

T = TypeVar("T")

namespace = os.environ["FLOWGATE_NAMESPACE"]
client = AuthenticatedClient(base_url=os.environ["FLOWGATE_URL"], token=os.environ["FLOWGATE_KEY"])


def data(response: T | Problem | None) -> T:
    """Returns the response, and fails for a problem."""
    assert response is not None
    assert not isinstance(response, Problem), response
    return response


def start(workflow_type: str, workflow_id: str, args: list[Any], wait: str = "0") -> StartedWorkflow:
    body = StartWorkflowRequest(
        workflow_type=workflow_type, workflow_id=workflow_id, task_queue=os.environ["FLOWGATE_TASK_QUEUE"], args=args
    )
    return data(start_workflow.sync(namespace, client=client, body=body, wait=wait))


def start_order(workflow_id: str, card: str = "", wait: str = "0") -> StartedWorkflow:
    order = {"orderId": workflow_id, "items": [{"sku": "book", "quantity": 2, "price": 1250}], "card": card}
    return start("Order", workflow_id, [order], wait)


def eventually(condition: Callable[[], bool]) -> None:
    """Polls until the condition is true."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.1)


def complete_order() -> None:
    workflow_id = f"python-{uuid.uuid4()}"
    started = start_order(workflow_id)
    assert started.started
    run_id = started.run_id

    add_item = UpdateRequest(update="addItem", args=[{"sku": "pen", "quantity": 1, "price": 300}])
    updated = data(update_workflow.sync(namespace, workflow_id, client=client, body=add_item))
    assert (updated.stage, updated.status, updated.result) == ("COMPLETED", "COMPLETED", {"items": 2, "total": 2800})

    def is_listed() -> bool:
        found = data(list_workflows.sync(namespace, client=client, query=f"WorkflowId = '{workflow_id}'"))
        return [workflow.run_id for workflow in found.workflows] == [run_id]

    eventually(is_listed)

    assert result(workflow_id, run_id, wait="1s").status == "RUNNING"
    approve = SignalRequest(signal="approve", args=[{"by": "ann"}])
    signal_workflow.sync(namespace, workflow_id, client=client, body=approve)
    outcome = result(workflow_id, run_id, wait="30s")
    assert isinstance(outcome.result, dict), outcome
    assert (outcome.status, outcome.result["total"]) == ("COMPLETED", 2800), outcome

    events = history(workflow_id, run_id)
    assert [event.event_id for event in events] == [str(i + 1) for i in range(len(events))]
    assert events[-1].event_type == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"


def result(workflow_id: str, run_id: str, wait: str) -> Outcome:
    return data(get_workflow_result.sync(namespace, workflow_id, client=client, run_id=run_id, wait=wait))


def history(workflow_id: str, run_id: str) -> list[HistoryEvent]:
    events: list[HistoryEvent] = []
    page = data(get_workflow_history.sync(namespace, workflow_id, client=client, run_id=run_id, page_size=5))
    events.extend(page.events)
    assert page.next_page_token
    while page.next_page_token:
        page = data(
            get_workflow_history.sync(
                namespace, workflow_id, client=client, run_id=run_id, page_size=5, page_token=page.next_page_token
            )
        )
        events.extend(page.events)
    return events


def decline_order() -> None:
    outcome = start_order(f"python-{uuid.uuid4()}", card="declined", wait="30s")
    assert isinstance(outcome.failure, Failure), outcome
    assert (outcome.started, outcome.status, outcome.failure.kind) == (True, "FAILED", "activity"), outcome
    assert isinstance(outcome.failure.cause, Failure), outcome
    assert outcome.failure.cause.kind == "application", outcome

    problem = describe_workflow.sync(namespace, f"python-{uuid.uuid4()}", client=client)
    assert isinstance(problem, Problem), problem
    assert problem.code == "workflow-not-found", problem


def refuse_approval() -> None:
    workflow_id = f"python-{uuid.uuid4()}"
    run_id = start("Approval", workflow_id, []).run_id

    def is_running() -> bool:
        pending = data(describe_workflow.sync(namespace, workflow_id, client=client)).pending_activities
        return isinstance(pending, list) and [activity.state for activity in pending] == ["STARTED"]

    eventually(is_running)
    failure = FailureInput(message="no one may approve this", type_="Refused", details=[{"by": "ann"}])
    body = FailActivityRequest(workflow_id=workflow_id, activity_id="approve", failure=failure)
    problem = fail_activity.sync(namespace, client=client, body=body)
    assert problem is None, problem

    outcome = result(workflow_id, run_id, wait="30s")
    assert isinstance(outcome.failure, Failure), outcome
    cause = outcome.failure.cause
    assert isinstance(cause, Failure), outcome
    assert (cause.message, cause.type_, cause.details) == (failure.message, "Refused", [{"by": "ann"}]), outcome


def schedule_orders() -> None:
    schedule_id, cron = f"python-{uuid.uuid4()}", "30 2 * * 1-5"
    action = ScheduleAction(
        workflow_type="Echo", workflow_id=schedule_id, task_queue=os.environ["FLOWGATE_TASK_QUEUE"], args=[1]
    )
    schedule = Schedule(action=action, spec=ScheduleSpec(cron_expressions=[cron]))
    body = CreateScheduleRequest(schedule_id=schedule_id, schedule=schedule, trigger_immediately=True)
    data(create_schedule.sync(namespace, client=client, body=body))

    eventually(lambda: data(describe_schedule.sync(namespace, schedule_id, client=client)).info.num_actions == 1)
    described = data(describe_schedule.sync(namespace, schedule_id, client=client))
    assert described.schedule.spec.cron_expressions == [cron], described

    delete_schedule.sync(namespace, schedule_id, client=client)
    problem = describe_schedule.sync(namespace, schedule_id, client=client)
    assert isinstance(problem, Problem), problem
    assert problem.code == "schedule-not-found", problem


with client:
    complete_order()
    decline_order()
    refuse_approval()
    schedule_orders()
