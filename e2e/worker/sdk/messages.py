"""Signals, queries and updates: named, described, dynamic, validated, and set while the workflow runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    import warned

JSON = Any


@workflow.defn
class Messages:
    """Collects the arguments of signals and updates, until a signal ends it."""

    def __init__(self) -> None:
        self.received: list[JSON] = []
        self.finished = False

    @workflow.run
    async def run(self) -> list[JSON]:
        await workflow.wait_condition(lambda: self.finished and workflow.all_handlers_finished())
        return self.received

    @workflow.signal(description="Adds a message")
    async def add_message(self, message: JSON) -> None:
        await asyncio.sleep(0)
        self.received.append(message)

    @workflow.signal(name="custom_signal", description="Finishes")
    def finish(self) -> None:
        self.finished = True

    @workflow.query
    def messages(self) -> list[JSON]:
        return self.received

    @workflow.query(name="message_count", description="Returns the number of messages")
    def count(self) -> int:
        return len(self.received)

    @workflow.query(description="Returns one message")
    def message(self, index: int) -> JSON:
        return self.received[index]

    @workflow.query
    def change_memo(self) -> str:
        try:
            workflow.upsert_memo({"changed": True})
        except workflow.ReadOnlyContextError as error:
            return error.message
        return "changed"

    @workflow.update(description="Adds a message and returns the previous one")
    async def exchange(self, message: JSON) -> JSON:
        await asyncio.sleep(0)
        self.received.append(message)
        return self.received[-2] if len(self.received) > 1 else None

    @workflow.update(name="set_messages", description="Replaces all messages")
    def replace(self, messages: list[JSON]) -> int:
        self.received = messages
        return len(messages)

    @replace.validator
    def require_messages(self, messages: list[JSON]) -> None:
        if not messages:
            raise ApplicationError("there must be messages", {"least": 1}, type="Empty")

    @workflow.update
    def fail(self, *details: JSON) -> None:
        raise ApplicationError("it does not work", *details, type="Broken", non_retryable=True)

    @workflow.update
    def suspend(self) -> None:
        raise ValueError("this exception is not a failure")


@workflow.defn
class Dynamic:
    """Handles messages of any name, and returns each value unchanged."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.last: RawValue | None = None

    @workflow.run
    async def run(self) -> RawValue | None:
        await workflow.wait_condition(lambda: "finish" in self.names)
        return self.last

    @workflow.signal(dynamic=True, description="Handles any signal")
    async def any_signal(self, name: str, args: Sequence[RawValue]) -> None:
        self.names.append(name)
        self.last = args[0] if args else self.last

    @workflow.query(dynamic=True, description="Handles any query")
    def any_query(self, name: str, args: Sequence[RawValue]) -> RawValue | str:
        return args[0] if args else name

    @workflow.update(dynamic=True, description="Handles any update")
    async def any_update(self, name: str, args: Sequence[RawValue]) -> RawValue | str:
        return args[0] if args else name

    @any_update.validator
    def validate_any_update(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "reject":
            raise ValueError(f"{len(args)} arguments rejected")


NAN, BYTES = float("nan"), b"\0\xff"


@workflow.defn
class NotJSON:
    """Returns bytes, and NaN, which Python encodes as JSON although JSON has no such number."""

    def __init__(self) -> None:
        self.finished = False

    @workflow.run
    async def run(self) -> float:
        workflow.upsert_memo({"bytes": BYTES, "nan": NAN})
        await workflow.wait_condition(lambda: self.finished)
        return NAN

    @workflow.query
    def nan(self) -> float:
        return NAN

    @workflow.update
    def update_nan(self) -> float:
        return NAN

    @workflow.update
    def echo(self, value: bytes) -> bytes:
        return value

    @workflow.update
    def fail(self) -> None:
        raise ApplicationError("it does not work", "json", BYTES, NAN)

    @workflow.signal
    def finish(self) -> None:
        self.finished = True


@workflow.defn
class Handlers:
    """Sets and unsets named and dynamic handlers while it runs."""

    def __init__(self) -> None:
        self.received: list[JSON] = []

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def all_received(self) -> list[JSON]:
        return self.received

    @workflow.update
    def set_named(self, on: bool) -> None:
        workflow.set_signal_handler("add", self.received.append if on else None)
        workflow.set_query_handler("read", (lambda value: [value, *self.received]) if on else None)
        workflow.set_update_handler("change", self.change if on else None)

    @workflow.update
    def set_dynamic(self, on: bool) -> None:
        workflow.set_dynamic_signal_handler(self.any_signal if on else None)
        workflow.set_dynamic_query_handler(self.any_query if on else None)
        workflow.set_dynamic_update_handler(self.any_update if on else None)

    @workflow.update
    def set_validators(self) -> None:
        workflow.set_update_handler("change", self.change, validator=self.reject)
        workflow.set_dynamic_update_handler(self.any_update, validator=self.reject_any)

    @workflow.query
    def are_set(self) -> dict[str, bool]:
        return {
            "add": workflow.get_signal_handler("add") is not None,
            "read": workflow.get_query_handler("read") is not None,
            "change": workflow.get_update_handler("change") is not None,
            "dynamic signal": workflow.get_dynamic_signal_handler() is not None,
            "dynamic query": workflow.get_dynamic_query_handler() is not None,
            "dynamic update": workflow.get_dynamic_update_handler() is not None,
        }

    def change(self, message: JSON) -> int:
        self.received.append(message)
        return len(self.received)

    def reject(self, message: JSON) -> None:
        raise ValueError(f"{message} rejected")

    def any_signal(self, name: str, args: Sequence[RawValue]) -> None:
        self.received.append([name, len(args)])

    def any_query(self, name: str, args: Sequence[RawValue]) -> list[JSON]:
        return [name, len(args)]

    def any_update(self, name: str, args: Sequence[RawValue]) -> list[JSON]:
        return [name, len(args)]

    def reject_any(self, name: str, _args: Sequence[RawValue]) -> None:
        raise ValueError(f"{name} rejected")


@workflow.defn
class Stages:
    """Blocks its updates until a signal releases them, and ends when all handlers have finished."""

    def __init__(self) -> None:
        self.run_count = 0
        self.released = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.run_count > 0)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.run_count

    @workflow.update
    async def wait(self) -> dict[str, str]:
        self.run_count += 1
        await workflow.wait_condition(lambda: self.released)
        update = workflow.current_update_info()
        assert update
        return {"id": update.id, "name": update.name}

    @workflow.signal
    def release(self) -> None:
        self.released = True

    @workflow.query
    def handlers_finished(self) -> bool:
        return workflow.all_handlers_finished()

    @workflow.query
    def query_has_update_info(self) -> bool:
        return workflow.current_update_info() is not None


@workflow.defn
class Unfinished:
    """Ends while its handlers are still running. The SDK warns about this unless the handler's policy is to abandon."""

    def __init__(self) -> None:
        self.finished = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.finished)

    @workflow.signal
    def finish(self) -> None:
        self.finished = True

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.WARN_AND_ABANDON)
    async def signal_with_warning(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def signal_without_warning(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.WARN_AND_ABANDON)
    async def update_with_warning(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def update_without_warning(self) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn
class Warned:
    """Returns the Python warnings of the worker that contain a text."""

    @workflow.run
    async def run(self, text: str) -> list[str]:
        return [warning for warning in warned.WARNINGS if text in warning]


@workflow.defn
class WaitWithTimeout:
    """Waits for a signal, with a timeout."""

    def __init__(self) -> None:
        self.signalled = False

    @workflow.run
    async def run(self, seconds: float) -> str:
        try:
            await workflow.wait_condition(lambda: self.signalled, timeout=seconds, timeout_summary="the timeout")
        except TimeoutError:
            return "timed out"
        return "signalled"

    @workflow.signal
    def proceed(self) -> None:
        self.signalled = True


WORKFLOWS = [Messages, Dynamic, NotJSON, Handlers, Stages, Unfinished, Warned, WaitWithTimeout]
ACTIVITIES: list[object] = []
