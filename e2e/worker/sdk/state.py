"""The state of workflows: definition, info, time, memo, search attributes, timers and failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

with workflow.unsafe.imports_passed_through():
    import warned

    PASSED_THROUGH = workflow.unsafe.is_imports_passed_through()

IN_WORKFLOW_AT_IMPORT = workflow.in_workflow()


@dataclass
class Greeting:
    name: str
    times: int


@workflow.defn(name="greeting")
class Initialized:
    """Is registered with a name that is not that of the class, and reads its arguments in the initialiser."""

    @workflow.init
    def __init__(self, greeting: Greeting) -> None:
        self.name = greeting.name

    @workflow.run
    async def run(self, greeting: Greeting) -> list[str]:
        return [self.name] * greeting.times


@workflow.defn(dynamic=True)
class AnyType:
    """The dynamic workflow: it runs for every unregistered type and returns its last argument unchanged."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> RawValue | str:
        return args[-1] if args else workflow.info().workflow_type


@workflow.defn
class Sandboxed:
    """Reads the clock, which the sandbox permits only where its restrictions are lifted."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        with workflow.unsafe.sandbox_unrestricted():
            datetime.now()
            result = {
                "inSandbox": workflow.unsafe.in_sandbox(),
                "unrestricted": workflow.unsafe.is_sandbox_unrestricted(),
            }
        try:
            datetime.now()
        except workflow.NondeterminismError as error:
            return {**result, "restricted": str(error)}
        return result


@workflow.defn(sandboxed=False)
class Unsandboxed(Sandboxed):
    """Runs without the sandbox."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        return await super().run()


@workflow.defn
class Imports:
    """Reads a module that is passed through the sandbox, and therefore shared by all workflows."""

    @workflow.run
    async def run(self, text: str) -> list[bool]:
        warned.WARNINGS.append(text)
        return [PASSED_THROUGH, workflow.unsafe.is_imports_passed_through()]


@workflow.defn
class Info:
    """Returns the info that the SDK gives to the workflow's code."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        info = workflow.info()
        return {
            "namespace": info.namespace,
            "workflowId": info.workflow_id,
            "runId": info.run_id,
            "firstExecutionRunId": info.first_execution_run_id,
            "workflowType": info.workflow_type,
            "taskQueue": info.task_queue,
            "cronSchedule": info.cron_schedule,
            "startTime": info.workflow_start_time.isoformat(),
            "firstTaskTime": info.start_time.isoformat(),
            "executionTimeout": seconds(info.execution_timeout),
            "runTimeout": seconds(info.run_timeout),
            "taskTimeout": seconds(info.task_timeout),
            "priority": {camel(name): value for name, value in vars(info.priority).items()},
            "memo": {key: payload.data.decode() for key, payload in info.raw_memo.items()},
            "searchAttributes": current_search_attributes(),
            "headers": list(info.headers),
            "parent": info.parent and {camel(name): value for name, value in vars(info.parent).items()},
            "root": info.root and {camel(name): value for name, value in vars(info.root).items()},
        }


@workflow.defn
class ParentOfInfo:
    """Starts a child of type Info, and returns the child's result."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        child = f"{workflow.info().workflow_id}-child"
        info: dict[str, Any] = await workflow.execute_child_workflow(Info.run, id=child)
        return info


@workflow.defn
class ContinueOnce:
    """Continues as new once, and returns the id of its previous run."""

    @workflow.run
    async def run(self) -> str:
        before = workflow.info().continued_run_id
        if not before:
            workflow.continue_as_new()
        return before


@workflow.defn
class Attempts:
    """Fails in the first attempt, and requests a short delay before the second."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        info = workflow.info()
        if info.attempt < 2:
            raise ApplicationError("once more", next_retry_delay=timedelta(milliseconds=20))
        return {
            "attempt": info.attempt,
            "maximumAttempts": info.retry_policy.maximum_attempts if info.retry_policy else 0,
        }


@workflow.defn
class Runtime:
    """Uses the members of the SDK's workflow module that no other workflow uses."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        payload = workflow.payload_converter().to_payload({"sku": "pen"})
        counter = workflow.metric_meter().create_counter("pens", "How many pens there are", "pens")
        counter.add(2, {"sku": "pen"})
        return {
            "instance": workflow.instance() is self,
            "inWorkflow": [IN_WORKFLOW_AT_IMPORT, workflow.in_workflow()],
            "payload": [payload.metadata["encoding"].decode(), payload.data.decode()],
            "value": workflow.payload_converter().from_payload(payload, dict),
            "counter": [counter.name, counter.description, counter.unit],
        }


@workflow.defn
class Replayed:
    """Records values that must be the same in each replay. After the workflow has closed, each query replays it."""

    def __init__(self) -> None:
        self.finished = False
        self.replaying = False
        self.recorded: dict[str, Any] = {}
        self.captured = LogCapture(workflow.info().run_id)

    @workflow.run
    async def run(self) -> dict[str, Any]:
        self.replaying = workflow.unsafe.is_replaying()
        with self.captured:
            workflow.logger.warning("it runs")
        self.recorded = {
            "uuid": str(workflow.uuid4()),
            "random": workflow.random().randint(0, 1_000_000_000),
            "now": workflow.now().isoformat(),
            "time": workflow.time(),
            "timeNs": workflow.time_ns(),
        }
        await workflow.wait_condition(lambda: self.finished)
        return self.recorded

    @workflow.signal
    def finish(self) -> None:
        self.finished = True

    @workflow.query
    def recorded_values(self) -> dict[str, Any]:
        return self.recorded

    @workflow.query
    def was_replaying(self) -> bool:
        return self.replaying

    @workflow.query
    def log(self) -> list[str]:
        return self.captured.messages


class LogCapture(logging.Handler):
    """Captures the log of a run during a with block."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.messages: list[str] = []

    def __enter__(self) -> None:
        workflow.logger.base_logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        workflow.logger.base_logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        context: dict[str, Any] = getattr(record, "temporal_workflow", {})
        if context.get("run_id") == self.run_id:
            self.messages.append(record.getMessage())


@workflow.defn
class Memo:
    """Reads its memo and changes it."""

    @workflow.run
    async def run(self, updates: dict[str, Any]) -> dict[str, Any]:
        before = dict(workflow.memo())
        greeting = workflow.memo_value("greeting", type_hint=Greeting)
        default = workflow.memo_value("absent", default="none")
        try:
            workflow.memo_value("absent")
        except KeyError:
            workflow.upsert_memo(updates)
        return {"before": before, "name": greeting.name, "default": default, "after": workflow.memo()}


CUSTOMER = SearchAttributeKey.for_keyword("CustomerId")
ITEMS = SearchAttributeKey.for_int("Items")
AMOUNT = SearchAttributeKey.for_float("Amount")
EXPRESS = SearchAttributeKey.for_bool("Express")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
TAGS = SearchAttributeKey.for_keyword_list("Tags")
NOTE = SearchAttributeKey.for_text("Note")
KEYS: list[SearchAttributeKey[Any]] = [CUSTOMER, ITEMS, AMOUNT, EXPRESS, DUE_AT, TAGS, NOTE]


@workflow.defn
class SearchAttributes:
    """Sets search attributes of every type, and removes those that the argument names."""

    def __init__(self) -> None:
        self.history: list[dict[str, Any]] = []

    @workflow.run
    async def run(self, removed: list[str]) -> list[dict[str, Any]]:
        self.history.append(current_search_attributes())
        self.upsert(
            CUSTOMER.value_set("c-1"),
            ITEMS.value_set(9_007_199_254_740_993),
            AMOUNT.value_set(1.1),
            EXPRESS.value_set(True),
            DUE_AT.value_set(datetime.fromisoformat("2030-01-02T03:04:05.678+00:00")),
            TAGS.value_set(["a", "<&>"]),
            NOTE.value_set("to be left at the door"),
        )
        self.upsert(*(key.value_unset() for key in KEYS if key.name in removed))
        return self.history

    def upsert(self, *updates: SearchAttributeUpdate[Any]) -> None:
        workflow.upsert_search_attributes(updates)
        self.history.append(current_search_attributes())


@workflow.defn
class UntypedSearchAttributes:
    """Sets search attributes with the older, untyped mapping. An empty list removes a search attribute."""

    @workflow.run
    async def run(self, attributes: dict[str, list[Any]]) -> None:
        workflow.upsert_search_attributes(attributes)


@workflow.defn
class Timers:
    """Sleeps for a short time, and cancels a long sleep."""

    @workflow.run
    async def run(self) -> str:
        long = asyncio.create_task(workflow.sleep(timedelta(minutes=10), summary="a long sleep"))
        await workflow.sleep(0.01, summary="a nap")
        long.cancel()
        try:
            await long
        except asyncio.CancelledError:
            return "woken"
        return "slept"


@workflow.defn
class Race:
    """Awaits tasks in the order in which they complete, not in the order in which they were created."""

    def __init__(self) -> None:
        self.awake: set[str] = set()

    @workflow.run
    async def run(self, names: list[str]) -> dict[str, Any]:
        woken = [await sleeper for sleeper in workflow.as_completed(map(self.sleeper, names))]
        tasks = [asyncio.create_task(self.sleeper(name)) for name in (*names, "never")]
        done, pending = await workflow.wait(tasks, timeout=0.01)
        try:
            for late in workflow.as_completed(pending, timeout=0.01):
                await late
        except TimeoutError:
            return {"woken": woken, "done": len(done), "pending": len(pending)}
        return {}

    async def sleeper(self, name: str) -> str:
        await workflow.wait_condition(lambda: name in self.awake)
        return name

    @workflow.update
    def wake(self, name: str) -> None:
        self.awake.add(name)


@workflow.defn
class Details:
    """Sets its current details."""

    def __init__(self) -> None:
        self.proceeded = False

    @workflow.run
    async def run(self) -> list[str]:
        before = workflow.get_current_details()
        workflow.set_current_details("packing **pens**")
        await workflow.wait_condition(lambda: self.proceeded)
        workflow.set_current_details("sent")
        return [before, workflow.get_current_details()]

    @workflow.signal
    def proceed(self) -> None:
        self.proceeded = True


@workflow.defn
class Failing:
    """Fails with a failure that has every field."""

    @workflow.run
    async def run(self, details: list[Any]) -> None:
        try:
            raise ValueError("no ink")
        except ValueError as cause:
            raise ApplicationError(
                "cannot write",
                *details,
                type="Dry",
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
                next_retry_delay=timedelta(seconds=90),
            ) from cause


class BadLuckError(Exception):
    """An exception that fails a workflow only if the workflow declares it."""


@workflow.defn
class Stuck:
    """Raises an exception that fails only the workflow task. The task is retried until a signal arrives."""

    def __init__(self) -> None:
        self.lucky = False

    @workflow.run
    async def run(self) -> str:
        if not self.lucky:
            raise BadLuckError("it is Friday")
        return "lucky"

    @workflow.signal
    def recover(self) -> None:
        self.lucky = True


@workflow.defn(failure_exception_types=[BadLuckError])
class Unlucky:
    """Fails itself and its updates with an exception that it declares as a failure."""

    def __init__(self) -> None:
        self.tried = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.tried)
        raise BadLuckError("it is Friday")

    @workflow.update
    async def try_it(self) -> None:
        self.tried = True
        raise BadLuckError("it is the 13th")


@workflow.defn
class Nondeterministic:
    """Is non-deterministic: on replay, it does not start the timer."""

    @workflow.run
    async def run(self) -> None:
        if not workflow.unsafe.is_replaying():
            await workflow.sleep(600)
        await workflow.wait_condition(lambda: False)

    @workflow.update
    def complete_a_task(self) -> None:
        pass


@workflow.defn
class Cancellable:
    """Waits for its cancellation and cleans up. It is then cancelled if obey is true, or else returns the reason."""

    def __init__(self) -> None:
        self.cleaned_up = False

    @workflow.run
    async def run(self, obey: bool) -> str | None:
        before = workflow.cancellation_reason()
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            await workflow.sleep(0.01, summary="cleaning up")
            self.cleaned_up = True
            if obey:
                raise
        return workflow.cancellation_reason() if before is None else None

    @workflow.query
    def has_cleaned_up(self) -> bool:
        return self.cleaned_up


@workflow.defn
class Sleeper:
    """Sleeps until a timeout of the workflow ends it."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(600)


def seconds(duration: timedelta | None) -> str | None:
    return None if duration is None else f"{duration.total_seconds():g}s"


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def current_search_attributes() -> dict[str, Any]:
    """The search attributes in the workflow's info, as JSON."""
    values = {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


WORKFLOWS = [
    Initialized,
    AnyType,
    Sandboxed,
    Unsandboxed,
    Imports,
    Info,
    ParentOfInfo,
    ContinueOnce,
    Attempts,
    Runtime,
    Replayed,
    Memo,
    SearchAttributes,
    UntypedSearchAttributes,
    Timers,
    Race,
    Details,
    Failing,
    Stuck,
    Unlucky,
    Nondeterministic,
    Cancellable,
    Sleeper,
]
ACTIVITIES: list[object] = []
