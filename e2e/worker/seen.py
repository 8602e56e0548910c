"""What the tests look for, and wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flowgate import Flowgate, Object

Answer = TypeVar("Answer")


def eventually(question: Callable[[], Answer]) -> Answer:
    """Asks until the answer is yes, or something at all."""
    deadline = time.monotonic() + 30
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)
    return answer


def event(flowgate: Flowgate, workflow_id: str, name: str) -> Object:
    """The first event of a type, such as TIMER_FIRED, as soon as there is one."""
    return eventually(lambda: events(flowgate, workflow_id, name))[0]


def events(flowgate: Flowgate, workflow_id: str, name: str) -> list[Object]:
    """All events of a type so far."""
    return [event for event in flowgate.history(workflow_id) if event["eventType"] == "EVENT_TYPE_" + name]


def attributes(event: Object) -> Object:
    """What happened in an event: the one member that its type names."""
    (name,) = (name for name in event if name.endswith("EventAttributes"))
    return dict(event[name])
