"""How the tests look at workflows through the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flowgate import Flowgate, Object

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen | None]) -> Seen:
    """Look until there is something to see, and give it."""
    deadline = time.monotonic() + 30
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return seen


def happened(flowgate: Flowgate, workflow_id: str, **params: str) -> list[str]:
    """The types of a run's events, in their order and without the prefix."""
    return [event["eventType"].removeprefix("EVENT_TYPE_") for event in flowgate.history(workflow_id, **params)]


def each(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> list[Object]:
    """What the events of one kind tell, such as activityTaskScheduled."""
    member = f"{name}EventAttributes"
    return [event[member] for event in flowgate.history(workflow_id, **params) if member in event]


def one(flowgate: Flowgate, workflow_id: str, name: str, **params: str) -> Object:
    """What the one event of a kind tells."""
    (found,) = each(flowgate, workflow_id, name, **params)
    return found


def event(flowgate: Flowgate, workflow_id: str, kind: str) -> Object:
    """The first event of a type, such as TIMER_FIRED, as soon as there is one."""
    return eventually(lambda: events(flowgate, workflow_id, kind))[0]


def events(flowgate: Flowgate, workflow_id: str, kind: str) -> list[Object]:
    """All events of a type so far."""
    return [event for event in flowgate.history(workflow_id) if event["eventType"] == "EVENT_TYPE_" + kind]


def attributes(event: Object) -> Object:
    """What an event tells: the one member that its type names. It is the event's own."""
    (name,) = (name for name in event if name.endswith("EventAttributes"))
    told: Object = event[name]
    return told


def chain(failure: Object | None) -> list[str]:
    """The kinds of a failure and of its causes."""
    return [failure["kind"], *chain(failure.get("cause"))] if failure else []
