"""Chains of runs, as the gateway follows them or is told not to."""

from __future__ import annotations

from flowgate import Flowgate
from observe import one


def test_result_follows_what_is_continued_as_new(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Countdown", new_id, task_queue, 2)
    last = flowgate.result(new_id, runId=first.run_id)
    assert last.status == "COMPLETED"
    before_last, first_execution = last.result
    assert first_execution == first.run_id
    assert len({first.run_id, before_last, last.run_id}) == 3


def test_each_run_of_a_chain_tells_the_next(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    run_id: str | None = flowgate.start("Countdown", new_id, task_queue, 2).run_id
    last = flowgate.result(new_id).run_id
    statuses = []
    runs = []
    while run_id:
        outcome = flowgate.result(new_id, runId=run_id, followRuns="false")
        assert outcome.run_id == run_id
        statuses.append(outcome.status)
        runs.append(run_id)
        run_id = outcome.new_run_id
    assert statuses == ["CONTINUED_AS_NEW", "CONTINUED_AS_NEW", "COMPLETED"]
    assert runs[-1] == last
    for run in runs:
        described = flowgate.describe(new_id, runId=run)
        assert (described["runId"], described["firstExecutionRunId"]) == (run, runs[0])


def test_history_of_a_chain_goes_on_in_the_next_run(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Countdown", new_id, task_queue, 1)
    last = flowgate.result(new_id)
    *events, end = flowgate.events(new_id, runId=first.run_id)
    assert list(dict.fromkeys(event.id.partition("/")[0] for event in events)) == [first.run_id, last.run_id]
    assert end.data == {"workflowId": new_id, "runId": last.run_id, "status": "COMPLETED"}
    continued = one(flowgate, new_id, "workflowExecutionContinuedAsNew", runId=first.run_id)
    assert (continued["newExecutionRunId"], continued["input"]) == (last.run_id, [0])
    started = one(flowgate, new_id, "workflowExecutionStarted")
    assert started["continuedExecutionRunId"] == first.run_id


def test_events_of_one_run_end_with_it(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Countdown", new_id, task_queue, 1)
    *events, end = flowgate.events(new_id, runId=first.run_id, followRuns="false")
    assert {event.id.partition("/")[0] for event in events} == {first.run_id}
    assert end.data["status"] == "CONTINUED_AS_NEW"


def test_next_run_has_the_options_that_it_was_given(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("ContinueConfigured", new_id, task_queue)
    before = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    run = flowgate.describe(new_id)
    assert (before.status, before.new_run_id) == ("CONTINUED_AS_NEW", run["runId"])
    assert (run["workflowType"], run["taskQueue"]) == ("Continued", task_queue)
    assert (run["runTimeout"], run["taskTimeout"]) == ("7200s", "9s")
    assert run["memo"] == {"left": 12345678901234567890}
    assert run["searchAttributes"]["Items"] == {"type": "Int", "value": 7}
    started = one(flowgate, new_id, "workflowExecutionStarted")
    assert started["retryPolicy"]["maximumAttempts"] == 3
    assert (started["input"], started["firstWorkflowTaskBackoff"]) == (["goes on"], "3600s")
    assert "memo" not in flowgate.describe(new_id, runId=first.run_id)
    flowgate.terminate(new_id)


def test_next_run_inherits_what_it_is_not_given(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Inherit", new_id, task_queue, True, memo={"left": 7}, searchAttributes={"CustomerId": "c-1"})
    assert flowgate.result(new_id).result == 7
    run = flowgate.describe(new_id)
    assert run["runId"] != run["firstExecutionRunId"]
    assert run["memo"] == {"left": 7}
    assert run["searchAttributes"]["CustomerId"]["value"] == "c-1"


def test_long_history_is_to_be_continued_as_new(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("ContinueWhenSuggested", new_id, task_queue, 0)
    length = flowgate.result(new_id).result
    before = flowgate.describe(new_id, runId=first.run_id)
    assert (before["status"], before["historyLength"]) == ("CONTINUED_AS_NEW", length + 2)
    assert before["historySizeBytes"] > 4_000_000


def test_retried_workflow_tells_of_each_of_its_runs(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    retry = {"initialInterval": "0.01s", "maximumAttempts": 3}
    first = flowgate.start("Fail", new_id, task_queue, 2, retryPolicy=retry)
    last = flowgate.result(new_id, runId=first.run_id)
    assert (last.status, last.result) == ("COMPLETED", 2)
    failed = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    assert (failed.run_id, failed.status, failed.new_run_id) == (first.run_id, "FAILED", last.run_id)
    assert failed.failure
    assert (failed.failure["type"], failed.failure["details"]) == ("NotYet", [{"attempt": 1}])
    assert flowgate.describe(new_id)["firstExecutionRunId"] == first.run_id
    assert one(flowgate, new_id, "workflowExecutionStarted")["continuedFailure"]["message"] == "not yet"


def test_scheduled_runs_follow_each_other(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Tick", new_id, task_queue, cronSchedule="@every 1s")
    failed = flowgate.result(new_id, runId=first.run_id, followRuns="false")
    assert failed.status == "FAILED"
    assert failed.failure
    assert failed.failure["type"] == "First"
    assert failed.new_run_id
    second = flowgate.result(new_id, runId=failed.new_run_id, followRuns="false")
    assert second.status == "COMPLETED"
    assert "the first run fails" in second.result
    started = one(flowgate, new_id, "workflowExecutionStarted", runId=failed.new_run_id)
    assert (started["cronSchedule"], started["initiator"]) == ("@every 1s", "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE")
    flowgate.terminate(new_id)
