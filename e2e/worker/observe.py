"""Helpers that observe workflows through the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flowgate import Flowgate, Object

Value = TypeVar("Value")


def eventually(read: Callable[[], Value | None]) -> Value:
    """Poll until read returns a true value, and return that value."""
    deadline = time.monotonic() + 30
    while not (value := read()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)
    return value


def event_types(flowgate: Flowgate, workflow_id: str, **params: str) -> list[str]:
    """The types of the events of a run, in order, without the prefix EVENT_TYPE_."""
    return [event["eventType"].removeprefix("EVENT_TYPE_") for event in flowgate.history(workflow_id, **params)]


def attributes_of_each(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> list[Object]:
    """The attributes of every event of one kind, such as activityTaskScheduled."""
    member = f"{name}EventAttributes"
    return [event[member] for event in flowgate.history(workflow_id, **params) if member in event]


def attributes_of_only(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> Object:
    """The attributes of the event of a kind. Fails unless there is exactly one such event."""
    (found,) = attributes_of_each(flowgate, workflow_id, name, **params)
    return found


def wait_for_event(flowgate: Flowgate, workflow_id: str, kind: str) -> Object:
    """Wait for the first event of a type, such as TIMER_FIRED."""
    return eventually(lambda: events_of_type(flowgate, workflow_id, kind))[0]


def events_of_type(flowgate: Flowgate, workflow_id: str, kind: str) -> list[Object]:
    """The events of a type in the history so far."""
    return [event for event in flowgate.history(workflow_id) if event["eventType"] == "EVENT_TYPE_" + kind]


def attributes(event: Object) -> Object:
    """The attributes of an event: the member whose name corresponds to its type."""
    (name,) = (name for name in event if name.endswith("EventAttributes"))
    found: Object = event[name]
    return found


def failure_kinds(failure: Object | None) -> list[str]:
    """The kinds of a failure and of its causes, from the outermost to the innermost."""
    return [failure["kind"], *failure_kinds(failure.get("cause"))] if failure else []
