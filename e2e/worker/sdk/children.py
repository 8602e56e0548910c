"""Child workflows: started, configured, abandoned, cancelled, signalled and described."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import (
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, ChildWorkflowError
from temporalio.workflow import ChildWorkflowCancellationType, ChildWorkflowConfig, ParentClosePolicy, VersioningIntent


def id_of_child() -> str:
    return f"{workflow.info().workflow_id}-child"


@workflow.defn
class Child:
    """Waits for a signal that sets its result."""

    def __init__(self) -> None:
        self.result: str | None = None

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.result is not None)
        return f"completed with {self.result}"

    @workflow.signal
    def complete(self, result: str) -> None:
        self.result = result


@workflow.defn
class SlowToCancel:
    """Ends only after it was cancelled and has received a signal."""

    def __init__(self) -> None:
        self.may_end = False

    @workflow.run
    async def run(self) -> str:
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            await workflow.wait_condition(lambda: self.may_end)
        return "cleaned up"

    @workflow.signal
    def end(self) -> None:
        self.may_end = True


@workflow.defn
class Fail:
    """Fails until the attempt succeeds_at."""

    @workflow.run
    async def run(self, succeeds_at: int) -> int:
        if workflow.info().attempt < succeeds_at:
            raise ApplicationError("not yet", {"attempt": workflow.info().attempt}, type="NotYet")
        return workflow.info().attempt


@workflow.defn
class Parent:
    """Waits for its child."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_child_workflow(Child.run, id=id_of_child())


@workflow.defn
class ParentByName:
    """Starts and signals its child by name, and returns the ids and the result of the child."""

    @workflow.run
    async def run(self) -> list[str | None]:
        child = await workflow.start_child_workflow("Child", id=id_of_child(), result_type=str)
        await child.signal("complete", "by name")
        return [child.id, child.first_execution_run_id, await child]


@workflow.defn
class ParentThatCompletes:
    """Completes while its child continues to run."""

    @workflow.run
    async def run(self, parent_close_policy: str) -> None:
        config = ChildWorkflowConfig(id=id_of_child(), parent_close_policy=ParentClosePolicy[parent_close_policy])
        await workflow.start_child_workflow(Child.run, **config)


@workflow.defn
class ParentThatCancels:
    """Cancels its child after a signal, with the given cancellation type, and records the outcome of the child."""

    def __init__(self) -> None:
        self.cancel_requested = False
        self.outcome_of_child: str | None = None

    @workflow.run
    async def run(self, cancellation_type: str) -> None:
        child = await workflow.start_child_workflow(
            SlowToCancel.run, id=id_of_child(), cancellation_type=ChildWorkflowCancellationType[cancellation_type]
        )
        await workflow.wait_condition(lambda: self.cancel_requested)
        child.cancel()
        try:
            self.outcome_of_child = await child
        except ChildWorkflowError as error:
            self.outcome_of_child = type(error.cause).__name__
        await asyncio.Future()

    @workflow.signal
    def cancel_child(self) -> None:
        self.cancel_requested = True

    @workflow.query
    def outcome(self) -> str | None:
        return self.outcome_of_child


@workflow.defn
class ConfigureChild:
    """Starts a child with every option."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_child_workflow(
            Child.run,
            id=id_of_child(),
            task_queue=workflow.info().task_queue,
            execution_timeout=timedelta(hours=3),
            run_timeout=timedelta(hours=2),
            task_timeout=timedelta(seconds=9),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3),
            memo={"why": ["a test"]},
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(SearchAttributeKey.for_keyword("CustomerId"), "c-1")]
            ),
            versioning_intent=VersioningIntent.COMPATIBLE,
            static_summary="A **child**",
            static_details="Of some age",
            priority=Priority(priority_key=2),
        )


@workflow.defn
class ParentOfCron:
    """Starts a child that runs on a cron schedule."""

    @workflow.run
    async def run(self) -> None:
        await workflow.start_child_workflow(
            Child.run, id=id_of_child(), cron_schedule="0 0 1 1 *", parent_close_policy=ParentClosePolicy.ABANDON
        )


@workflow.defn
class ParentOfFailure:
    """Starts a child that fails until the attempt succeeds_at, with a maximum number of attempts."""

    @workflow.run
    async def run(self, succeeds_at: int, maximum: int) -> int:
        return await workflow.execute_child_workflow(
            Fail.run,
            succeeds_at,
            id=id_of_child(),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=maximum),
        )


@workflow.defn
class ParentOfTimeout:
    """Starts a child that times out."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_child_workflow(Child.run, id=id_of_child(), run_timeout=timedelta(seconds=1))


@workflow.defn
class ParentOfDuplicates:
    """Starts a second child with the id of its first one, which is running or closed."""

    @workflow.run
    async def run(self, id_reuse_policy: str, closed: bool) -> str:
        policy = WorkflowIDReusePolicy[id_reuse_policy]
        first = await workflow.start_child_workflow(Child.run, id=id_of_child(), id_reuse_policy=policy)
        if closed:
            await first.signal(Child.complete, "first")
            await first
        second = await workflow.start_child_workflow(Child.run, id=id_of_child(), id_reuse_policy=policy)
        await second.signal(Child.complete, "second")
        return await second


WORKFLOWS = [
    Child,
    SlowToCancel,
    Fail,
    Parent,
    ParentByName,
    ParentThatCompletes,
    ParentThatCancels,
    ConfigureChild,
    ParentOfCron,
    ParentOfFailure,
    ParentOfTimeout,
    ParentOfDuplicates,
]
ACTIVITIES: list[object] = []
