"""Reading the history of a run."""

from decimal import Decimal

import pytest

from flowgate import Flowgate, FlowgateError, Object

# U+2028 does not end a line of NDJSON, although many line readers split at it.
NOTE = "one\u2028line"


def attributes(events: list[Object], name: str) -> Object:
    """The attributes of the only event of a kind."""
    (found,) = (event[name] for event in events if name in event)
    return dict(found)


@pytest.fixture
def closed(flowgate: Flowgate, task_queue: str, new_id: str) -> str:
    """A run that received two signals and has completed."""
    flowgate.start("Wait", new_id, task_queue, [], 12345678901234567890, NOTE)
    flowgate.signal(new_id, "poke")
    flowgate.signal(new_id, "finish", {"total": Decimal("1.10")})
    flowgate.result(new_id)
    return new_id


def test_history_pages_have_each_event_once(flowgate: Flowgate, reader: Flowgate, closed: str) -> None:
    events = list(reader.history(closed))
    assert [event["eventId"] for event in events] == [str(1 + i) for i in range(len(events))]
    assert events[0]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"
    assert events[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
    assert flowgate.describe(closed)["historyLength"] == len(events)

    path, _ = flowgate.workflow(closed, "/history")
    assert flowgate.get(path, pageSize=1)["nextPageToken"]
    assert list(flowgate.history(closed, pageSize=1)) == events


def test_history_stream_has_one_event_per_line(flowgate: Flowgate, closed: str) -> None:
    events = list(flowgate.history(closed))
    assert list(flowgate.history_stream(closed, pageSize=2)) == events
    assert list(flowgate.history_stream(closed, limit=3)) == events[:3]


def test_history_preserves_values(flowgate: Flowgate, closed: str) -> None:
    events = list(flowgate.history(closed))
    assert attributes(events, "workflowExecutionStartedEventAttributes")["input"] == [[], 12345678901234567890, NOTE]
    (result,) = attributes(events, "workflowExecutionCompletedEventAttributes")["result"]
    assert str(result["total"]) == "1.10"


def test_raw_history_has_payloads(flowgate: Flowgate, closed: str) -> None:
    events = list(flowgate.history(closed, payloads="raw"))
    payloads = attributes(events, "workflowExecutionStartedEventAttributes")["input"]["payloads"]
    assert payloads[0] == {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "W10="}


def test_history_waits_for_new_events(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Sleep", new_id, task_queue, {"seconds": 1})
    followed = list(flowgate.history(new_id, waitNewEvent="true"))
    assert followed[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
    assert followed == list(flowgate.history(new_id))
    assert list(flowgate.history(new_id, eventFilterType="CLOSE_EVENT")) == followed[-1:]


def test_events_cover_all_runs_and_resume_after_any(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    first = flowgate.start("Chain", new_id, task_queue, {"times": 2})
    *events, end = flowgate.events(new_id, runId=first.run_id)
    runs = list(dict.fromkeys(event.id.partition("/")[0] for event in events))
    assert len(runs) == 3
    assert [event.data for event in events] == [event for run in runs for event in flowgate.history(new_id, runId=run)]
    assert [event.id.partition("/")[2] for event in events] == [event.data["eventId"] for event in events]
    assert (end.type, end.data) == ("end", {"workflowId": new_id, "runId": runs[-1], "status": "COMPLETED"})

    half = len(events) // 2
    assert list(flowgate.events(new_id, events[half - 1].id)) == [*events[half:], end]
    assert list(flowgate.events(new_id, events[-1].id)) == []
    with pytest.raises(FlowgateError) as rejected:
        list(flowgate.events(new_id, "not/one"))
    assert (rejected.value.status, rejected.value.code) == (400, "invalid-request")


def test_events_arrive_as_they_occur(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Sleep", new_id, task_queue, {"seconds": 1})
    *events, end = flowgate.events(new_id)
    assert [event.data for event in events] == list(flowgate.history(new_id))
    assert end.data["status"] == "COMPLETED"


def test_history_of_an_unknown_workflow_is_not_found(flowgate: Flowgate, new_id: str) -> None:
    for read in (flowgate.history, flowgate.history_stream):
        with pytest.raises(FlowgateError) as absent:
            list(read(new_id))
        assert (absent.value.status, absent.value.code) == (404, "workflow-not-found")


def test_page_token_of_another_run_is_rejected(flowgate: Flowgate, closed: str, task_queue: str) -> None:
    path, _ = flowgate.workflow(closed, "/history")
    token = flowgate.get(path, pageSize=1)["nextPageToken"]
    flowgate.start("Wait", closed + "-other", task_queue)
    with pytest.raises(FlowgateError) as rejected:
        list(flowgate.history(closed + "-other", pageToken=token))
    assert (rejected.value.status, rejected.value.code) == (400, "invalid-page-token")
    flowgate.terminate(closed + "-other")
