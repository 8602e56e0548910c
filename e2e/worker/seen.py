"""What the tests look for in a history."""

from __future__ import annotations

import time

from flowgate import Flowgate, Object


def event(flowgate: Flowgate, workflow_id: str, name: str) -> Object:
    """The first event of a type, such as TIMER_FIRED, as soon as there is one."""
    deadline = time.monotonic() + 30
    while not (found := events(flowgate, workflow_id, name)):
        assert time.monotonic() < deadline, f"there was no {name}"
        time.sleep(0.05)
    return found[0]


def events(flowgate: Flowgate, workflow_id: str, name: str) -> list[Object]:
    """All events of a type so far."""
    return [event for event in flowgate.history(workflow_id) if event["eventType"] == "EVENT_TYPE_" + name]


def attributes(event: Object) -> Object:
    """What happened in an event: the one member that its type names."""
    (name,) = (name for name in event if name.endswith("EventAttributes"))
    return dict(event[name])
