"""Helpers that observe workflows through the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flowgate import Flowgate, Object

Value = TypeVar("Value")


def eventually(read: Callable[[], Value | None]) -> Value:
    """Poll until a value is available, and return it."""
    deadline = time.monotonic() + 30
    while not (value := read()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)
    return value


def event_types(flowgate: Flowgate, workflow_id: str, **params: str) -> list[str]:
    """The types of a run's events, in order and without the prefix."""
    return [event["eventType"].removeprefix("EVENT_TYPE_") for event in flowgate.history(workflow_id, **params)]


def each(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> list[Object]:
    """The attributes of all events of one kind, such as activityTaskScheduled."""
    member = f"{name}EventAttributes"
    return [event[member] for event in flowgate.history(workflow_id, **params) if member in event]


def one(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> Object:
    """The attributes of the only event of a kind."""
    (found,) = each(flowgate, workflow_id, name, **params)
    return found


def event(flowgate: Flowgate, workflow_id: str, kind: str) -> Object:
    """The first event of a type, such as TIMER_FIRED. Waits for it."""
    return eventually(lambda: events(flowgate, workflow_id, kind))[0]


def events(flowgate: Flowgate, workflow_id: str, kind: str) -> list[Object]:
    """The current events of a type."""
    return [event for event in flowgate.history(workflow_id) if event["eventType"] == "EVENT_TYPE_" + kind]


def attributes(event: Object) -> Object:
    """The attributes of an event: the member whose name corresponds to its type."""
    (name,) = (name for name in event if name.endswith("EventAttributes"))
    found: Object = event[name]
    return found


def chain(failure: Object | None) -> list[str]:
    """The kinds of a failure and of its causes."""
    return [failure["kind"], *chain(failure.get("cause"))] if failure else []
