"""Local activities, which run within the workflow task and record a marker."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, LocalActivityConfig

from activities import (
    AMPLE,
    ONCE,
    SHORT,
    Greeter,
    Shout,
    fail_until,
    greet,
    greet_in_a_thread,
    keep_busy,
    stop_heartbeats,
)


@workflow.defn
class CallLocalActivities:
    """Calls local activities with each function of the SDK."""

    @workflow.run
    async def run(self, name: str) -> list[str]:
        config = LocalActivityConfig(start_to_close_timeout=AMPLE)
        results = [
            await workflow.execute_local_activity(greet, args=["Hello", name], **config),
            await workflow.execute_local_activity("greet", args=["Hi", name], result_type=str, **config),
            await workflow.execute_local_activity(greet_in_a_thread, name, **config),
            await workflow.execute_local_activity_class(Shout, name, **config),
            await workflow.execute_local_activity_method(Greeter.greet, name, **config),
        ]
        handles = [
            workflow.start_local_activity("wave", name, **config),
            workflow.start_local_activity_class(Shout, name, **config),
            workflow.start_local_activity_method(Greeter.greet, name, **config),
        ]
        return results + [await handle for handle in handles]


@workflow.defn
class RetryLocalActivity:
    """Runs a local activity that fails until its nth attempt. Above a threshold, a timer delays the retry."""

    @workflow.run
    async def run(self, succeeds_at: int, pause: float, threshold: float, maximum: int) -> int:
        return await workflow.execute_local_activity(
            fail_until,
            succeeds_at,
            schedule_to_close_timeout=AMPLE,
            schedule_to_start_timeout=AMPLE,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=pause), maximum_attempts=maximum),
            local_retry_threshold=timedelta(seconds=threshold),
            activity_id="the-local-one",
            summary="Tries again",
        )


@workflow.defn
class LetLocalActivityTimeOut:
    """Runs a local activity that exceeds its timeout."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(
            stop_heartbeats, "the last heartbeat", start_to_close_timeout=SHORT, retry_policy=ONCE
        )


@workflow.defn
class CancelLocalActivity:
    """Cancels a local activity, which takes some time to end, after another one has completed."""

    @workflow.run
    async def run(self, cancellation_type: str) -> str:
        handle = workflow.start_local_activity(
            keep_busy, start_to_close_timeout=AMPLE, cancellation_type=ActivityCancellationType[cancellation_type]
        )
        await workflow.execute_local_activity(greet, args=["Hello", "Ann"], start_to_close_timeout=AMPLE)
        handle.cancel()
        return await handle


WORKFLOWS = [CallLocalActivities, RetryLocalActivity, LetLocalActivityTimeOut, CancelLocalActivity]
ACTIVITIES: list[object] = []
