"""The state of a workflow: the gateway returns what the workflow's code reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from flowgate import Flowgate, Object, dumps
from observe import attributes, events_of_type, eventually, wait_for_event


def test_workflow_runs_under_its_registered_name(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("greeting", new_id, task_queue, {"name": "Ada", "times": 2}).result == ["Ada", "Ada"]
    assert flowgate.metadata(new_id)["definition"]["type"] == "greeting"


def test_dynamic_workflow_runs_as_any_type(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("What Ever", new_id, task_queue).result == "What Ever"
    assert flowgate.describe(new_id)["workflowType"] == "What Ever"


def test_dynamic_workflow_gets_its_arguments_byte_for_byte(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    value = {"z": 12345678901234567890, "a": Decimal("1.10"), "l": [None]}
    assert dumps(flowgate.execute("What Ever", new_id, task_queue, "first", value).result) == dumps(value)


def test_sandbox_rejects_access_to_the_clock(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    result = flowgate.execute("Sandboxed", new_id, task_queue).result
    assert result.pop("restricted").startswith("Cannot access datetime.datetime.now")
    assert result == {"inSandbox": True, "unrestricted": True}


def test_workflow_without_a_sandbox_is_unrestricted(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    result = flowgate.execute("Unsandboxed", new_id, task_queue).result
    assert result == {"inSandbox": False, "unrestricted": True}


def test_module_that_is_passed_through_is_shared(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("Imports", new_id, task_queue, new_id).result == [True, False]
    assert flowgate.execute("Warned", new_id, task_queue, new_id).result == [new_id]


def is_same_time(one: str, other: str) -> bool:
    """Whether two times are equal to the microsecond, which is the precision of Python."""
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other)) <= timedelta(microseconds=1)


def test_workflow_info_matches_the_description(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start(
        "Info",
        new_id,
        task_queue,
        executionTimeout="1h",
        runTimeout="30m",
        taskTimeout="7s",
        priority={"priorityKey": 2, "fairnessKey": "pens", "fairnessWeight": 2.5},
        memo={"price": Decimal("1.10")},
        searchAttributes={"Items": 3},
    )
    info = flowgate.result(new_id).result
    described = flowgate.describe(new_id)
    for name in ("workflowId", "runId", "firstExecutionRunId", "workflowType", "taskQueue"):
        assert info[name] == described[name], name
    for name in ("executionTimeout", "runTimeout", "taskTimeout", "priority"):
        assert info[name] == described[name], name
    assert is_same_time(info["startTime"], described["startTime"])
    assert is_same_time(info["firstTaskTime"], wait_for_event(flowgate, new_id, "WORKFLOW_TASK_STARTED")["eventTime"])
    assert info["namespace"] == flowgate.namespace
    assert info["headers"] == []
    assert info["memo"] == {"price": "1.10"}
    assert dumps(described["memo"]) == '{"price": 1.10}'
    assert info["searchAttributes"] == {"Items": described["searchAttributes"]["Items"]["value"]} == {"Items": 3}


def test_top_level_workflow_has_no_parent(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    info = flowgate.execute("Info", new_id, task_queue).result
    described = flowgate.describe(new_id)
    assert (info["parent"], info["root"]) == (None, None)
    assert "parent" not in described
    assert described["root"] == {"workflowId": new_id, "runId": described["runId"]}


def test_child_reads_its_parent_and_root(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    info = flowgate.execute("ParentOfInfo", new_id, task_queue).result
    described = flowgate.describe(new_id + "-child")
    assert info["parent"] == {"namespace": flowgate.namespace, **described["parent"]}
    assert info["parent"]["workflowId"] == new_id
    assert info["root"] == described["root"]


def test_continued_run_reads_the_previous_run(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("ContinueOnce", new_id, task_queue)
    assert flowgate.result(new_id, runId=first.run_id).result == first.run_id


def test_cron_run_reads_its_schedule(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Info", new_id, task_queue, cronSchedule="@every 1s")
    info = flowgate.result(new_id, followRuns="false").result
    assert info["cronSchedule"] == "@every 1s"
    flowgate.terminate(new_id)


def test_retried_run_reads_its_attempt_and_policy(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    policy = {"initialInterval": "600s", "maximumAttempts": 2}
    first = flowgate.start("Attempts", new_id, task_queue, retryPolicy=policy)
    assert flowgate.result(new_id, runId=first.run_id).result == {"attempt": 2, "maximumAttempts": 2}
    started = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_STARTED"))
    assert started["continuedFailure"]["applicationFailureInfo"]["nextRetryDelay"] == "0.020s"


def test_workflow_uses_the_other_members_of_the_sdk(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("Runtime", new_id, task_queue).result == {
        "instance": True,
        "inWorkflow": [False, True],
        "payload": ["json/plain", '{"sku":"pen"}'],
        "value": {"sku": "pen"},
        "counter": ["pens", "How many pens there are", "pens"],
    }


@pytest.fixture
def replayed(flowgate: Flowgate, task_queue: str, new_id: str) -> str:
    flowgate.start("Replayed", new_id, task_queue)
    assert not flowgate.query(new_id, "was_replaying")
    return new_id


def close(flowgate: Flowgate, workflow_id: str) -> Object:
    """Closes a workflow. The worker then evicts the workflow from its cache, so that a query replays the history."""
    flowgate.signal(workflow_id, "finish")
    recorded: Object = flowgate.result(workflow_id).result
    assert flowgate.query(workflow_id, "was_replaying")
    return recorded


def test_random_and_time_are_the_same_on_replay(flowgate: Flowgate, replayed: str) -> None:
    recorded = flowgate.query(replayed, "recorded_values")
    assert close(flowgate, replayed) == recorded
    assert flowgate.query(replayed, "recorded_values") == recorded


def test_workflow_time_comes_from_the_history(flowgate: Flowgate, replayed: str) -> None:
    recorded = flowgate.query(replayed, "recorded_values")
    started = wait_for_event(flowgate, replayed, "WORKFLOW_TASK_STARTED")["eventTime"]
    assert is_same_time(recorded["now"], started)
    seconds = datetime.fromisoformat(started).timestamp()
    assert (float(recorded["time"]), recorded["timeNs"] / 1e9) == pytest.approx((seconds, seconds), abs=2e-6, rel=0)


def test_log_is_not_written_again_on_replay(flowgate: Flowgate, replayed: str) -> None:
    (message,) = flowgate.query(replayed, "log")
    assert message.startswith("it runs")
    assert replayed in message
    close(flowgate, replayed)
    assert flowgate.query(replayed, "log") == []


def test_memo_is_read_changed_and_removed(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    memo: Object = {"greeting": {"name": "Ada", "times": 1}, "old": 1}
    changes: Object = {"old": None, "new": [12345678901234567890]}
    result = flowgate.execute("Memo", new_id, task_queue, changes, memo=memo).result
    after = {"greeting": memo["greeting"], "new": changes["new"]}
    assert result == {"before": memo, "name": "Ada", "default": "none", "after": after}
    assert flowgate.describe(new_id)["memo"] == after
    changed = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_PROPERTIES_MODIFIED"))["upsertedMemo"]["fields"]
    assert changed.keys() == changes.keys()
    assert changed["new"] == changes["new"]


def test_memo_without_values_is_absent(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    memo = {"greeting": {"name": "Ada", "times": 1}}
    assert flowgate.execute("Memo", new_id, task_queue, {"greeting": None}, memo=memo).result["after"] == {}
    assert "memo" not in flowgate.describe(new_id)


SEARCH_ATTRIBUTES: dict[str, Object] = {
    "CustomerId": {"type": "Keyword", "value": "c-1"},
    "Items": {"type": "Int", "value": 9_007_199_254_740_993},
    "Amount": {"type": "Double", "value": Decimal("1.1")},
    "Express": {"type": "Bool", "value": True},
    "DueAt": {"type": "Datetime", "value": "2030-01-02T03:04:05.678000+00:00"},
    "Tags": {"type": "KeywordList", "value": ["a", "<&>"]},
    "Note": {"type": "Text", "value": "to be left at the door"},
}


def custom_search_attributes(flowgate: Flowgate, workflow_id: str) -> Object:
    """The search attributes in the description, without those that the server sets."""
    described = flowgate.describe(workflow_id)["searchAttributes"]
    return {name: attribute for name, attribute in described.items() if name in SEARCH_ATTRIBUTES}


def test_search_attributes_of_every_type_are_set(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    before, after, _ = flowgate.execute("SearchAttributes", new_id, task_queue, []).result
    assert before == {}
    assert after == {name: attribute["value"] for name, attribute in SEARCH_ATTRIBUTES.items()}
    assert custom_search_attributes(flowgate, new_id) == SEARCH_ATTRIBUTES
    upserted = attributes(wait_for_event(flowgate, new_id, "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"))["searchAttributes"]
    assert upserted["indexedFields"].keys() == SEARCH_ATTRIBUTES.keys()


def test_search_attributes_of_every_type_are_removed(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    *_, after = flowgate.execute("SearchAttributes", new_id, task_queue, list(SEARCH_ATTRIBUTES)).result
    assert after == {}
    assert custom_search_attributes(flowgate, new_id) == {}


def test_search_attributes_are_set_and_removed_without_types(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    changes = {"CustomerId": ["c-1"], "Items": [3], "Note": []}
    flowgate.execute("UntypedSearchAttributes", new_id, task_queue, changes, searchAttributes={"Note": "old"})
    assert custom_search_attributes(flowgate, new_id) == {
        "CustomerId": {"type": "Keyword", "value": "c-1"},
        "Items": {"type": "Int", "value": 3},
    }


def test_timers_have_summaries_and_are_cancelled(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("Timers", new_id, task_queue).result == "woken"
    timers = {
        timer["userMetadata"]["summary"]: attributes(timer)
        for timer in events_of_type(flowgate, new_id, "TIMER_STARTED")
    }
    assert timers["a nap"]["startToFireTimeout"] == "0.010s"
    assert timers["a long sleep"]["startToFireTimeout"] == "600s"
    assert attributes(wait_for_event(flowgate, new_id, "TIMER_FIRED"))["timerId"] == timers["a nap"]["timerId"]
    assert (
        attributes(wait_for_event(flowgate, new_id, "TIMER_CANCELED"))["timerId"] == timers["a long sleep"]["timerId"]
    )


def test_tasks_are_awaited_in_the_order_of_completion(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Race", new_id, task_queue, ["first", "second", "third"])
    order = ["second", "third", "first"]
    for name in order:
        flowgate.update(new_id, "wake", name)
    assert flowgate.result(new_id).result == {"woken": order, "done": 3, "pending": 1}


def test_metadata_has_the_current_details(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Details", new_id, task_queue)
    assert flowgate.metadata(new_id)["currentDetails"] == "packing **pens**"
    flowgate.signal(new_id, "proceed")
    assert flowgate.result(new_id).result == ["", "sent"]
    assert flowgate.metadata(new_id)["currentDetails"] == "sent"


def test_static_summary_and_details_are_unchanged(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    static = {"staticSummary": "pens", "staticDetails": "Ten **blue** ones"}
    flowgate.execute("Runtime", new_id, task_queue, **static)
    described = flowgate.describe(new_id)
    assert {name: described[name] for name in static} == static
    started = wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_STARTED")
    assert started["userMetadata"] == {"summary": "pens", "details": "Ten **blue** ones"}


def test_failure_has_all_its_fields(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    details = [12345678901234567890, {"sku": "pen"}, None]
    outcome = flowgate.execute("Failing", new_id, task_queue, details)
    assert outcome.status == "FAILED"
    failure = dict(outcome.failure or {})
    cause = failure.pop("cause")
    assert "ApplicationError" in failure.pop("stackTrace")
    assert failure == {
        "message": "cannot write",
        "kind": "application",
        "type": "Dry",
        "nonRetryable": True,
        "category": "BENIGN",
        "nextRetryDelay": "90s",
        "details": details,
    }
    assert (cause["message"], cause["type"]) == ("no ink", "ValueError")


def test_history_has_the_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("Failing", new_id, task_queue, [{"sku": "pen"}])
    failure = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_FAILED"))["failure"]
    assert failure["applicationFailureInfo"] == {
        "type": "Dry",
        "nonRetryable": True,
        "details": [{"sku": "pen"}],
        "nextRetryDelay": "90s",
        "category": "APPLICATION_ERROR_CATEGORY_BENIGN",
    }
    assert failure["cause"]["applicationFailureInfo"] == {"type": "ValueError"}


def test_exceptions_declared_as_failures_fail_the_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Unlucky", new_id, task_queue)
    failed = flowgate.update(new_id, "try_it")
    assert (failed["status"], failed["failure"]["message"]) == ("FAILED", "it is the 13th")
    outcome = flowgate.result(new_id)
    assert outcome.failure
    assert (outcome.status, outcome.failure["type"]) == ("FAILED", "BadLuckError")


def test_other_exceptions_fail_only_the_workflow_task(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Stuck", new_id, task_queue, taskTimeout="1s")
    failed = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_TASK_FAILED"))
    assert failed["cause"] == "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE"
    assert (failed["failure"]["message"], flowgate.describe(new_id)["status"]) == ("it is Friday", "RUNNING")
    eventually(lambda: flowgate.describe(new_id).get("pendingWorkflowTask", {}).get("attempt", 1) > 1)
    flowgate.signal(new_id, "recover")
    assert flowgate.result(new_id).result == "lucky"


def test_nondeterminism_suspends_the_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Nondeterministic", new_id, task_queue)
    wait_for_event(flowgate, new_id, "TIMER_STARTED")
    flowgate.update(new_id, "complete_a_task")
    flowgate.reset(new_id, resetType="LAST_WORKFLOW_TASK", reapplyExclude=["UPDATE"])
    # The first failed task is the one that the reset recorded.
    (failed,) = eventually(lambda: events_of_type(flowgate, new_id, "WORKFLOW_TASK_FAILED")[1:])
    assert attributes(failed)["cause"] == "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR"
    flowgate.terminate(new_id)


def test_cancelled_workflow_cleans_up(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Cancellable", new_id, task_queue, True)
    flowgate.metadata(new_id)
    flowgate.cancel(new_id, "no pens")
    assert flowgate.result(new_id).status == "CANCELED"
    assert flowgate.query(new_id, "has_cleaned_up")
    assert flowgate.describe(new_id)["cancelRequested"]
    assert attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_CANCEL_REQUESTED"))["cause"] == "no pens"


def test_workflow_reads_the_reason_of_its_cancellation(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Cancellable", new_id, task_queue, False)
    flowgate.metadata(new_id)
    flowgate.cancel(new_id, "no pens")
    outcome = flowgate.result(new_id)
    assert (outcome.status, outcome.result) == ("COMPLETED", "no pens")


@pytest.mark.parametrize("timeout", ["runTimeout", "executionTimeout"])
def test_workflow_times_out(flowgate: Flowgate, task_queue: str, new_id: str, timeout: str) -> None:
    outcome = flowgate.execute("Sleeper", new_id, task_queue, **{timeout: "1s"})
    assert outcome.failure
    assert (outcome.status, outcome.failure["kind"]) == ("TIMED_OUT", "timeout")
    assert wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_TIMED_OUT")
