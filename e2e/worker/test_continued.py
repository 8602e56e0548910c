"""Run chains, which the gateway follows by default."""

from __future__ import annotations

import uuid

import pytest

from flowgate import Flowgate
from observe import attributes_of_only


@pytest.fixture(scope="module")
def chain(flowgate: Flowgate, task_queue: str) -> tuple[str, list[str]]:
    """The workflow id and the run ids of a workflow that continued as new twice."""
    workflow_id = f"countdown-{uuid.uuid4()}"
    run_id: str | None = flowgate.start("Countdown", workflow_id, task_queue, 2).run_id
    runs = []
    while run_id:
        runs.append(run_id)
        run_id = flowgate.result(workflow_id, runId=run_id, followRuns="false").new_run_id
    return workflow_id, runs


def test_result_follows_runs_that_continue_as_new(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    outcome = flowgate.result(workflow_id, runId=runs[0])
    assert (outcome.run_id, outcome.status, outcome.result) == (runs[2], "COMPLETED", [runs[1], runs[0]])


def test_each_run_of_a_chain_has_its_own_outcome(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    assert len(set(runs)) == 3
    outcomes = [flowgate.result(workflow_id, runId=run, followRuns="false") for run in runs]
    assert [outcome.run_id for outcome in outcomes] == runs
    assert [outcome.status for outcome in outcomes] == ["CONTINUED_AS_NEW", "CONTINUED_AS_NEW", "COMPLETED"]


def test_each_run_of_a_chain_has_the_first_run_id(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    described = [flowgate.describe(workflow_id, runId=run) for run in runs]
    assert [(run["runId"], run["firstExecutionRunId"]) for run in described] == [(run, runs[0]) for run in runs]


def test_history_of_a_run_has_the_previous_and_next_run(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    continued = attributes_of_only(flowgate, workflow_id, "workflowExecutionContinuedAsNew", runId=runs[1])
    assert (continued["newExecutionRunId"], continued["input"]) == (runs[2], [0])
    started = attributes_of_only(flowgate, workflow_id, "workflowExecutionStarted", runId=runs[1])
    assert (started["continuedExecutionRunId"], started["input"]) == (runs[0], [1])


def test_events_of_a_chain_continue_in_the_next_run(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    *events, end = flowgate.events(workflow_id, runId=runs[0])
    assert list(dict.fromkeys(event.id.partition("/")[0] for event in events)) == runs
    assert end.data == {"workflowId": workflow_id, "runId": runs[2], "status": "COMPLETED"}


def test_events_of_one_run_end_when_it_closes(flowgate: Flowgate, chain: tuple[str, list[str]]) -> None:
    workflow_id, runs = chain
    *events, end = flowgate.events(workflow_id, runId=runs[0], followRuns="false")
    assert {event.id.partition("/")[0] for event in events} == {runs[0]}
    assert end.data["status"] == "CONTINUED_AS_NEW"


def test_next_run_has_the_given_options(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("ContinueConfigured", new_id, task_queue)
    before = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    run = flowgate.describe(new_id)
    assert (before.status, before.new_run_id) == ("CONTINUED_AS_NEW", run["runId"])
    assert (run["workflowType"], run["taskQueue"]) == ("Continued", task_queue)
    assert (run["runTimeout"], run["taskTimeout"]) == ("7200s", "9s")
    assert run["memo"] == {"left": 12345678901234567890}
    assert run["searchAttributes"]["Items"] == {"type": "Int", "value": 7}
    started = attributes_of_only(flowgate, new_id, "workflowExecutionStarted")
    assert started["retryPolicy"]["maximumAttempts"] == 3
    assert (started["input"], started["firstWorkflowTaskBackoff"]) == (["the second run"], "3600s")
    assert attributes_of_only(flowgate, new_id, "workflowExecutionContinuedAsNew", runId=first.run_id)["inheritBuildId"]
    assert "memo" not in flowgate.describe(new_id, runId=first.run_id)
    flowgate.terminate(new_id)


def test_next_run_inherits_other_options(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Inherit", new_id, task_queue, True, memo={"left": 7}, searchAttributes={"CustomerId": "c-1"})
    assert flowgate.result(new_id).result == 7
    run = flowgate.describe(new_id)
    assert run["runId"] != run["firstExecutionRunId"]
    assert run["memo"] == {"left": 7}
    assert run["searchAttributes"]["CustomerId"]["value"] == "c-1"


def test_long_history_suggests_continue_as_new(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("ContinueWhenSuggested", new_id, task_queue, 0)
    length = flowgate.result(new_id).result
    before = flowgate.describe(new_id, runId=first.run_id)
    assert (before["status"], before["historyLength"]) == ("CONTINUED_AS_NEW", length + 2)
    assert before["historySizeBytes"] > 4_000_000


def test_each_run_of_a_retried_workflow_has_an_outcome(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    retry = {"initialInterval": "0.01s", "maximumAttempts": 3}
    first = flowgate.start("Fail", new_id, task_queue, 2, retryPolicy=retry)
    last = flowgate.result(new_id, runId=first.run_id)
    assert (last.status, last.result) == ("COMPLETED", 2)
    failed = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    assert (failed.run_id, failed.status, failed.new_run_id) == (first.run_id, "FAILED", last.run_id)
    assert failed.failure
    assert (failed.failure["type"], failed.failure["details"]) == ("NotYet", [{"attempt": 1}])
    assert flowgate.describe(new_id)["firstExecutionRunId"] == first.run_id
    assert attributes_of_only(flowgate, new_id, "workflowExecutionStarted")["continuedFailure"]["message"] == "not yet"


def test_cron_runs_follow_each_other(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Tick", new_id, task_queue, cronSchedule="@every 1s")
    failed = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    assert failed.status == "FAILED"
    assert failed.failure
    assert failed.failure["type"] == "First"
    assert failed.new_run_id
    second = flowgate.result(new_id, runId=failed.new_run_id, followRuns="false")
    assert second.status == "COMPLETED"
    assert "the first run fails" in second.result
    third = flowgate.result(new_id, runId=second.new_run_id, followRuns="false")
    assert third.result == f"after {second.result}"
    started = attributes_of_only(flowgate, new_id, "workflowExecutionStarted", runId=failed.new_run_id)
    assert (started["cronSchedule"], started["initiator"]) == ("@every 1s", "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE")
    flowgate.terminate(new_id)
