"""The SDK's Replayer reads histories that were downloaded with payloads=raw."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from flowgate import JSON, Flowgate, Object, dumps
from observe import attributes

SDK = Path(__file__).parent / "sdk"

Replay = Callable[[str, Iterable[Object]], subprocess.CompletedProcess[str]]
Scenario = Callable[[Flowgate, str, str], None]


@pytest.fixture
def replay(sdk: list[str], tmp_path: Path) -> Replay:
    """Replays the events of a workflow in a process with the SDK."""

    def run(workflow_id: str, events: Iterable[Object]) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "history.json"
        file.write_text(dumps({"events": list(events)}), encoding="utf-8")
        command = [*sdk, "-B", "replay.py", workflow_id, str(file)]
        return subprocess.run(command, cwd=SDK, capture_output=True, text=True, timeout=60, check=False)

    return run


def messages(flowgate: Flowgate, workflow_id: str, task_queue: str) -> None:
    """Signals, and updates that complete, fail and are rejected."""
    flowgate.start("Messages", workflow_id, task_queue)
    flowgate.signal(workflow_id, "add_message", "one")
    for update, args in {"set_messages": [], "exchange": "two\u2028lines", "fail": {"sku": "pen"}}.items():
        flowgate.update(workflow_id, update, args)
    flowgate.signal(workflow_id, "custom_signal")
    flowgate.result(workflow_id)


def dynamic(flowgate: Flowgate, workflow_id: str, task_queue: str) -> None:
    """Messages with dynamic handlers, to a workflow that does not end."""
    flowgate.start("Dynamic", workflow_id, task_queue, startSignal="any signal", startSignalArgs=[12345678901234567890])
    flowgate.update(workflow_id, "any update", {"l": []})


def run_to_completion(workflow_type: str, *args: JSON, **options: JSON) -> Scenario:
    """A scenario with a workflow that ends without further messages."""

    def run(flowgate: Flowgate, workflow_id: str, task_queue: str) -> None:
        assert not flowgate.execute(workflow_type, workflow_id, task_queue, *args, **options).pending

    return run


def cancelled(flowgate: Flowgate, workflow_id: str, task_queue: str) -> None:
    """A workflow that was cancelled and cleaned up."""
    flowgate.start("Cancellable", workflow_id, task_queue, True)
    flowgate.metadata(workflow_id)
    flowgate.cancel(workflow_id, "no pens")
    flowgate.result(workflow_id)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(messages, id="messages"),
        pytest.param(dynamic, id="dynamic"),
        pytest.param(cancelled, id="cancelled"),
        pytest.param(run_to_completion("Timers"), id="timers"),
        pytest.param(run_to_completion("ParentOfInfo"), id="child"),
        pytest.param(run_to_completion("Failing", [None, {"sku": "pen"}]), id="failure"),
        pytest.param(run_to_completion("SearchAttributes", ["Items"]), id="search-attributes"),
        pytest.param(
            run_to_completion("Memo", {"old": None}, memo={"old": 1, "greeting": {"name": "", "times": 0}}), id="memo"
        ),
    ],
)
def test_raw_history_replays(
    flowgate: Flowgate, task_queue: str, new_id: str, replay: Replay, scenario: Scenario
) -> None:
    scenario(flowgate, new_id, task_queue)
    replayed = replay(new_id, flowgate.history(new_id, payloads="raw"))
    assert replayed.returncode == 0, replayed.stderr


@pytest.fixture
def slept(flowgate: Flowgate, task_queue: str, new_id: str) -> str:
    """The id of a workflow that has slept and completed."""
    assert flowgate.execute("Timers", new_id, task_queue).result == "woken"
    return new_id


def test_raw_history_is_the_same_in_pages_and_in_a_stream(flowgate: Flowgate, slept: str) -> None:
    streamed = list(flowgate.history_stream(slept, payloads="raw"))
    assert streamed == list(flowgate.history(slept, payloads="raw", pageSize=2))
    assert streamed == list(flowgate.history_stream(slept, payloads="raw", pageSize=3))


def test_history_from_a_stream_replays(flowgate: Flowgate, slept: str, replay: Replay) -> None:
    replayed = replay(slept, flowgate.history_stream(slept, payloads="raw", pageSize=2))
    assert replayed.returncode == 0, replayed.stderr


def test_history_of_other_code_does_not_replay(flowgate: Flowgate, slept: str, replay: Replay) -> None:
    started, *rest = flowgate.history(slept, payloads="raw")
    attributes(started)["workflowType"]["name"] = "Sandboxed"
    replayed = replay(slept, [started, *rest])
    assert replayed.returncode == 1
    assert "NondeterminismError" in replayed.stderr


def test_history_with_another_argument_does_not_replay(
    flowgate: Flowgate, task_queue: str, new_id: str, replay: Replay
) -> None:
    cancelled(flowgate, new_id, task_queue)
    started, *rest = flowgate.history(new_id, payloads="raw")
    (obey,) = attributes(started)["input"]["payloads"]
    assert b64decode(obey["data"]) == b"true"
    obey["data"] = b64encode(b"false").decode()
    replayed = replay(new_id, [started, *rest])
    assert replayed.returncode == 1
    assert "NondeterminismError" in replayed.stderr
