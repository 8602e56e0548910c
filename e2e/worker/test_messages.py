"""Signals, queries and updates through the gateway: their results, the metadata, and the history."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from importlib.util import find_spec

import pytest

from flowgate import Flowgate, FlowgateError, Object, dumps
from observe import attributes, events_of_type, wait_for_event

# This value changes if a program parses numbers as doubles, sorts keys or escapes HTML.
UNUSUAL = {
    "z": 12345678901234567890,
    "a": Decimal("1.10"),
    "e": Decimal("1E+400"),
    "s": "<&>é\u2028",
    "n": None,
    "l": [],
}


def test_client_does_not_have_the_sdk() -> None:
    assert find_spec("temporalio") is None


def test_signals_reach_their_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    flowgate.signal(new_id, "add_message", "one")
    flowgate.signal(new_id, "custom_signal")
    assert flowgate.result(new_id).result == ["one"]


def test_queries_reach_their_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue, startSignal="add_message", startSignalArgs=["one"])
    assert flowgate.query_by_name(new_id, "messages") == ["one"]
    assert flowgate.query_by_name(new_id, "message_count") == 1
    assert flowgate.query(new_id, "message", 0) == "one"


def test_updates_reach_their_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    assert flowgate.update(new_id, "set_messages", ["one"])["result"] == 1
    assert flowgate.update(new_id, "exchange", "two")["result"] == "one"
    assert flowgate.query(new_id, "messages") == ["one", "two"]


def test_metadata_names_and_describes_the_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    definition = flowgate.metadata(new_id)["definition"]
    assert definition["type"] == "Messages"
    assert definition["signals"] == [
        {"name": "add_message", "description": "Adds a message"},
        {"name": "custom_signal", "description": "Finishes"},
    ]
    assert [query for query in definition["queries"] if "message" in query["name"]] == [
        {"name": "message", "description": "Returns one message"},
        {"name": "message_count", "description": "Returns the number of messages"},
        {"name": "messages"},
    ]
    assert definition["updates"] == [
        {"name": "exchange", "description": "Adds a message and returns the previous one"},
        {"name": "fail"},
        {"name": "set_messages", "description": "Replaces all messages"},
        {"name": "suspend"},
    ]


def test_history_has_the_signals(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    flowgate.signal(new_id, "add_message", UNUSUAL)
    signalled = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_SIGNALED"))
    assert (signalled["signalName"], dumps(signalled["input"])) == ("add_message", dumps([UNUSUAL]))


def test_history_has_updates_and_their_results(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    flowgate.update(new_id, "set_messages", [UNUSUAL], updateId="replace")
    flowgate.update(new_id, "exchange", "two")
    accepted, _ = events_of_type(flowgate, new_id, "WORKFLOW_EXECUTION_UPDATE_ACCEPTED")
    request = attributes(accepted)["acceptedRequest"]
    assert request["meta"]["updateId"] == "replace"
    assert (request["input"]["name"], dumps(request["input"]["args"])) == ("set_messages", dumps([[UNUSUAL]]))
    completed, _ = events_of_type(flowgate, new_id, "WORKFLOW_EXECUTION_UPDATE_COMPLETED")
    assert attributes(completed)["acceptedEventId"] == accepted["eventId"]
    assert attributes(completed)["outcome"] == {"success": [1]}


def test_rejected_update_is_not_in_the_history(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    rejected = flowgate.update(new_id, "set_messages", [])
    assert (rejected["stage"], rejected["status"]) == ("COMPLETED", "REJECTED")
    failure = rejected["failure"]
    assert (failure["message"], failure["type"], failure["details"]) == (
        "there must be messages",
        "Empty",
        [{"least": 1}],
    )
    assert events_of_type(flowgate, new_id, "WORKFLOW_EXECUTION_UPDATE_ACCEPTED") == []


def test_failed_update_has_its_details(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    failed = flowgate.update(new_id, "fail", {"sku": "pen"}, 12345678901234567890, None)
    assert (failed["stage"], failed["status"]) == ("COMPLETED", "FAILED")
    failure = failed["failure"]
    assert (failure["kind"], failure["message"], failure["type"]) == ("application", "it does not work", "Broken")
    assert failure["nonRetryable"]
    assert failure["details"] == [{"sku": "pen"}, 12345678901234567890, None]
    completed = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_UPDATE_COMPLETED"))
    assert completed["outcome"]["failure"]["message"] == "it does not work"


def test_update_is_not_admitted_while_its_handler_suspends_the_workflow(
    flowgate: Flowgate, task_queue: str, new_id: str
) -> None:
    flowgate.start("Messages", new_id, task_queue)
    with pytest.raises(FlowgateError) as suspended:
        flowgate.update(new_id, "suspend", wait="1s")
    assert suspended.value.code == "update-not-admitted"
    failed = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_TASK_FAILED"))
    assert failed["failure"]["message"] == "this exception is not a failure"
    flowgate.terminate(new_id)


def test_update_without_a_handler_is_rejected(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    rejected = flowgate.update(new_id, "absent")
    assert rejected["status"] == "REJECTED"
    assert "'absent'" in rejected["failure"]["message"]


def test_update_without_a_worker_can_be_sent_again(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue + "-idle")
    with pytest.raises(FlowgateError) as not_admitted:
        flowgate.update(new_id, "exchange", "one", wait="1s", updateId="u")
    assert (not_admitted.value.status, not_admitted.value.code) == (503, "update-not-admitted")
    assert (not_admitted.value.retryable, not_admitted.value.problem["updateId"]) == (True, "u")
    flowgate.terminate(new_id)


def test_failed_query_has_its_failure(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    with pytest.raises(FlowgateError) as failed:
        flowgate.query(new_id, "message", 9)
    assert (failed.value.status, failed.value.code) == (422, "query-failed")
    assert failed.value.problem["detail"] == "list index out of range"


def test_query_without_a_handler_is_not_found(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    with pytest.raises(FlowgateError) as absent:
        flowgate.query(new_id, "absent")
    assert (absent.value.status, absent.value.code) == (404, "query-not-found")


def test_query_cannot_change_the_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    assert flowgate.query(new_id, "change_memo") == "While in read-only function, action attempted: add command"
    assert "memo" not in flowgate.describe(new_id)


def test_dynamic_handlers_handle_any_name(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Dynamic", new_id, task_queue)
    assert flowgate.query(new_id, "any name") == "any name"
    assert flowgate.update(new_id, "any/name")["result"] == "any/name"
    assert flowgate.update(new_id, "reject", 1, 2)["failure"]["message"] == "2 arguments rejected"
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).status == "COMPLETED"


def test_values_are_returned_byte_for_byte(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Dynamic", new_id, task_queue)
    assert dumps(flowgate.query(new_id, "echo", UNUSUAL)) == dumps(UNUSUAL)
    assert dumps(flowgate.update(new_id, "echo", UNUSUAL)["result"]) == dumps(UNUSUAL)
    flowgate.signal(new_id, "finish", UNUSUAL)
    assert dumps(flowgate.result(new_id).result) == dumps(UNUSUAL)


def payload(encoding: str, data: bytes) -> Object:
    """A payload in the long form."""
    return {"metadata": {"encoding": b64encode(encoding.encode()).decode()}, "data": b64encode(data).decode()}


BYTES, NAN = payload("binary/plain", b"\0\xff"), payload("json/plain", b"NaN")


def test_bytes_are_sent_and_returned_as_payloads(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("NotJSON", new_id, task_queue)
    echoed = flowgate.update(new_id, "echo", argPayloads=[BYTES])
    assert (echoed["resultPayload"], "result" in echoed) == (BYTES, False)


def test_payload_of_another_encoding_is_not_parsed_as_json(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("NotJSON", new_id, task_queue)
    path, _ = flowgate.workflow(new_id)
    assert flowgate.get(path + "/query", query="nan") == {"resultPayload": NAN}
    updated = flowgate.update(new_id, "update_nan")
    assert (updated["resultPayload"], "result" in updated) == (NAN, False)
    flowgate.signal(new_id, "finish")
    ended = flowgate.get(path + "/result", wait="30s")
    assert (ended["resultPayload"], "result" in ended) == (NAN, False)
    completed = attributes(wait_for_event(flowgate, new_id, "WORKFLOW_EXECUTION_COMPLETED"))
    assert completed["result"] == {"payloads": [NAN]}


def test_failure_details_are_payloads_if_any_is_not_json(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("NotJSON", new_id, task_queue)
    failure = flowgate.update(new_id, "fail")["failure"]
    assert "details" not in failure
    assert failure["detailPayloads"] == [payload("json/plain", b'"json"') | {"json": "json"}, BYTES, NAN]


def test_memo_values_are_payloads_if_any_is_not_json(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("NotJSON", new_id, task_queue)
    wait_for_event(flowgate, new_id, "WORKFLOW_PROPERTIES_MODIFIED")
    described = flowgate.describe(new_id)
    assert (described["memoPayloads"], "memo" in described) == ({"bytes": BYTES, "nan": NAN}, False)


def test_metadata_describes_dynamic_handlers_without_a_name(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Dynamic", new_id, task_queue)
    definition = flowgate.metadata(new_id)["definition"]
    assert definition["signals"] == [{"description": "Handles any signal"}]
    assert {"description": "Handles any query"} in definition["queries"]
    assert definition["updates"] == [{"description": "Handles any update"}]


def handlers(flowgate: Flowgate, workflow_id: str) -> set[str | None]:
    """The names of all handlers in the metadata. A dynamic handler has the name None."""
    definition: Object = flowgate.metadata(workflow_id)["definition"]
    return {handler.get("name") for kind in ("signals", "queries", "updates") for handler in definition.get(kind, [])}


def test_named_handlers_are_set_and_unset(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Handlers", new_id, task_queue)
    named = {"add", "read", "change"}
    assert not named & handlers(flowgate, new_id)
    flowgate.update(new_id, "set_named", True)
    assert named < handlers(flowgate, new_id)
    flowgate.signal(new_id, "add", "one")
    assert flowgate.query(new_id, "read", "why") == ["why", "one"]
    assert flowgate.update(new_id, "change", "two")["result"] == 2
    flowgate.update(new_id, "set_named", False)
    assert not named & handlers(flowgate, new_id)
    assert flowgate.update(new_id, "change", "three")["status"] == "REJECTED"
    with pytest.raises(FlowgateError) as unset:
        flowgate.query(new_id, "read", "why")
    assert unset.value.code == "query-not-found"


def test_dynamic_handlers_are_set_and_unset(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Handlers", new_id, task_queue)
    assert None not in handlers(flowgate, new_id)
    flowgate.update(new_id, "set_dynamic", True)
    assert None in handlers(flowgate, new_id)
    flowgate.signal(new_id, "any signal", 1)
    assert flowgate.query(new_id, "all_received") == [["any signal", 1]]
    assert flowgate.query(new_id, "any query", 1, 2) == ["any query", 2]
    assert flowgate.update(new_id, "any update", 1, 2, 3)["result"] == ["any update", 3]
    flowgate.update(new_id, "set_dynamic", False)
    assert None not in handlers(flowgate, new_id)
    assert flowgate.update(new_id, "any update")["status"] == "REJECTED"


def test_workflow_can_read_its_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Handlers", new_id, task_queue)
    unset = flowgate.query(new_id, "are_set")
    assert not any(unset.values())
    flowgate.update(new_id, "set_named", True)
    assert {name for name, is_set in flowgate.query(new_id, "are_set").items() if is_set} == {"add", "read", "change"}
    flowgate.update(new_id, "set_dynamic", True)
    assert all(flowgate.query(new_id, "are_set").values())
    flowgate.update(new_id, "set_named", False)
    flowgate.update(new_id, "set_dynamic", False)
    assert flowgate.query(new_id, "are_set") == unset


def test_validators_of_new_handlers_reject_updates(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Handlers", new_id, task_queue)
    flowgate.update(new_id, "set_validators")
    for name, message in {"change": "one rejected", "any": "any rejected"}.items():
        rejected = flowgate.update(new_id, name, "one")
        assert (rejected["status"], rejected["failure"]["message"]) == ("REJECTED", message)


def test_signal_waits_until_its_handler_is_set(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Handlers", new_id, task_queue)
    flowgate.signal(new_id, "add", "early")
    assert flowgate.query(new_id, "all_received") == []
    flowgate.update(new_id, "set_named", True)
    assert flowgate.query(new_id, "all_received") == ["early"]


def test_update_is_accepted_then_completed(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Stages", new_id, task_queue)
    accepted = flowgate.update(new_id, "wait", updateId="u", waitForStage="ACCEPTED")
    assert (accepted["stage"], "status" in accepted) == ("ACCEPTED", False)
    assert not flowgate.query(new_id, "handlers_finished")
    flowgate.signal(new_id, "release")
    completed = flowgate.update_result(new_id, "u", wait="30s")
    assert (completed["stage"], completed["status"]) == ("COMPLETED", "COMPLETED")
    assert flowgate.result(new_id).result == 1


def test_update_handler_reads_its_id_and_name(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Stages", new_id, task_queue, startSignal="release")
    assert not flowgate.query(new_id, "query_has_update_info")
    assert flowgate.update(new_id, "wait", updateId="a/b")["result"] == {"id": "a/b", "name": "wait"}


def test_repeated_update_runs_once(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Stages", new_id, task_queue)
    for _ in range(3):
        flowgate.update(new_id, "wait", updateId="u", waitForStage="ACCEPTED")
    flowgate.signal(new_id, "release")
    assert flowgate.result(new_id).result == 1
    assert len(events_of_type(flowgate, new_id, "WORKFLOW_EXECUTION_UPDATE_ACCEPTED")) == 1


def test_update_with_start_reaches_the_new_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    start = {
        "workflowType": "Messages",
        "workflowId": new_id,
        "taskQueue": task_queue,
        "idConflictPolicy": "USE_EXISTING",
    }
    first = flowgate.update_with_start(start, {"update": "set_messages", "args": [["one"]]})
    assert (first["start"]["started"], first["update"]["result"]) == (True, 1)
    second = flowgate.update_with_start(start, {"update": "exchange", "args": ["two"]})
    assert (second["start"]["started"], second["update"]["result"]) == (False, "one")


def test_signal_with_start_reaches_the_new_workflow(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    for message in ("one", "two"):
        flowgate.start("Messages", new_id, task_queue, startSignal="add_message", startSignalArgs=[message])
    flowgate.signal(new_id, "custom_signal")
    assert flowgate.result(new_id).result == ["one", "two"]


def test_update_fails_when_its_workflow_completes_first(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Unfinished", new_id, task_queue)
    flowgate.update(new_id, "update_without_warning", updateId="u", waitForStage="ACCEPTED")
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).status == "COMPLETED"
    failed = flowgate.update_result(new_id, "u")
    assert (failed["status"], failed["failure"]["type"]) == ("FAILED", "AcceptedUpdateCompletedWorkflow")


def test_unfinished_handlers_cause_a_warning_unless_abandoned(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Unfinished", new_id, task_queue)
    flowgate.signal(new_id, "signal_with_warning")
    flowgate.signal(new_id, "signal_without_warning")
    for name in ("update_with_warning", "update_without_warning"):
        flowgate.update(new_id, name, updateId=f"{new_id} {name}", waitForStage="ACCEPTED")
    flowgate.signal(new_id, "finish")
    flowgate.result(new_id)
    (update_warning,) = set(flowgate.execute("Warned", new_id, task_queue, f"{new_id} update").result)
    assert update_warning.startswith("UnfinishedUpdateHandlersWarning")
    assert f"{new_id} update_with_warning" in update_warning
    assert "update_without_warning" not in update_warning
    (signal_warning,) = set(flowgate.execute("Warned", new_id, task_queue, "signal_with_warning").result)
    assert signal_warning.startswith("UnfinishedSignalHandlersWarning")
    assert "signal_without_warning" not in signal_warning


def test_workflow_waits_for_a_condition(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("WaitWithTimeout", new_id, task_queue, 600)
    started = wait_for_event(flowgate, new_id, "TIMER_STARTED")
    assert (attributes(started)["startToFireTimeout"], started["userMetadata"]) == ("600s", {"summary": "the timeout"})
    flowgate.signal(new_id, "proceed")
    assert flowgate.result(new_id).result == "signalled"
    assert events_of_type(flowgate, new_id, "TIMER_CANCELED")


def test_wait_for_a_condition_times_out(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert flowgate.execute("WaitWithTimeout", new_id, task_queue, 0.01).result == "timed out"
    assert events_of_type(flowgate, new_id, "TIMER_FIRED")
