"""Local activities, which run within the workflow task and record a marker."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, LocalActivityConfig

from activities import (
    LONG_TIMEOUT,
    NO_RETRIES,
    SHORT_TIMEOUT,
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
        config = LocalActivityConfig(start_to_close_timeout=LONG_TIMEOUT)
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
    """Runs a local activity that fails until the attempt succeeds_at. Above the threshold, a timer delays a retry."""

    @workflow.run
    async def run(self, succeeds_at: int, retry_interval: float, threshold: float, maximum: int) -> int:
        return await workflow.execute_local_activity(
            fail_until,
            succeeds_at,
            schedule_to_close_timeout=LONG_TIMEOUT,
            schedule_to_start_timeout=LONG_TIMEOUT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=retry_interval), maximum_attempts=maximum),
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
            stop_heartbeats, "the last heartbeat", start_to_close_timeout=SHORT_TIMEOUT, retry_policy=NO_RETRIES
        )


@workflow.defn
class CancelLocalActivity:
    """Starts a long local activity, runs a short one, and then cancels the long one."""

    @workflow.run
    async def run(self, cancellation_type: str) -> str:
        handle = workflow.start_local_activity(
            keep_busy,
            start_to_close_timeout=LONG_TIMEOUT,
            cancellation_type=ActivityCancellationType[cancellation_type],
        )
        await workflow.execute_local_activity(greet, args=["Hello", "Ann"], start_to_close_timeout=LONG_TIMEOUT)
        handle.cancel()
        return await handle


WORKFLOWS = [CallLocalActivities, RetryLocalActivity, LetLocalActivityTimeOut, CancelLocalActivity]
ACTIVITIES: list[object] = []
