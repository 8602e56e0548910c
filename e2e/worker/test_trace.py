"""A trace of a caller continues in the workflow's code, by the tracing of the SDK."""

from __future__ import annotations

import secrets

import pytest

from flowgate import Flowgate, Object


class Trace:
    """A trace of a caller, and the headers that continue it."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(16)
        self.headers = {"traceparent": f"00-{self.id}-{secrets.token_hex(8)}-01"}


@pytest.fixture
def trace() -> Trace:
    return Trace()


def test_trace_continues_in_the_workflows_code(flowgate: Flowgate, task_queue: str, new_id: str, trace: Trace) -> None:
    calls = flowgate.with_headers(trace.headers)
    calls.start("Traced", new_id, task_queue)
    assert calls.query(new_id, "query") == trace.id
    assert calls.query_by_name(new_id, "query") == trace.id
    calls.signal(new_id, "signal")
    assert calls.update(new_id, "update")["result"] == trace.id
    assert flowgate.result(new_id).result == {"activity": trace.id, "signal": trace.id, "update": trace.id}


def test_message_headers_have_the_trace_of_the_request(
    flowgate: Flowgate, task_queue: str, new_id: str, trace: Trace
) -> None:
    """The handlers continue the trace of the start: the SDK only links to the trace of a message."""
    signal, update = Trace(), Trace()
    flowgate.with_headers(trace.headers).start("Traced", new_id, task_queue)
    assert flowgate.with_headers(update.headers).update(new_id, "update")["result"] == trace.id
    flowgate.with_headers(signal.headers).signal(new_id, "signal")
    assert flowgate.result(new_id).result["signal"] == trace.id
    attributes: Object = {}
    for event in flowgate.history(new_id):
        attributes |= event
    signaled = attributes["workflowExecutionSignaledEventAttributes"]
    updated = attributes["workflowExecutionUpdateAcceptedEventAttributes"]["acceptedRequest"]["input"]
    assert signaled["header"]["fields"]["_tracer-data"] == signal.headers
    assert updated["header"]["fields"]["_tracer-data"] == update.headers


def test_workflow_without_a_trace_has_no_header(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Traced", new_id, task_queue)
    started = next(flowgate.history(new_id))
    assert "header" not in started["workflowExecutionStartedEventAttributes"]
    flowgate.terminate(new_id)
