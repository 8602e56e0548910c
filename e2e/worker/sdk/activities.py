"""Activities: called, limited by timeouts, retried, cancelled and described."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ActivityCancellationType, ActivityConfig, VersioningIntent

LONG_TIMEOUT = timedelta(minutes=1)
SHORT_TIMEOUT = timedelta(seconds=1)
NO_RETRIES = RetryPolicy(maximum_attempts=1)


@activity.defn
async def greet(greeting: str, name: str) -> str:
    return f"{greeting}, {name}"


@activity.defn(name="wave")
def greet_in_a_thread(name: str) -> str:
    return f"({name} is waved at)"


@activity.defn(name="shout")
class Shout:
    """A class whose instances are activities."""

    async def __call__(self, name: str) -> str:
        return name.upper()


class Greeter:
    """A class with a method that is an activity."""

    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    @activity.defn(name="greet_as_usual")
    async def greet(self, name: str) -> str:
        return f"{self.greeting}, {name}"


@activity.defn
async def stop_heartbeats(details: str) -> None:
    """Sends one heartbeat, and then no more."""
    activity.heartbeat(details, {"left": 12345678901234567890})
    await asyncio.Future()


@activity.defn
async def keep_busy() -> str:
    """Sends heartbeats until it is cancelled, and then cleans up."""
    try:
        while True:
            activity.heartbeat({"busy": 12345678901234567890})
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return "cleaned up"


@activity.defn
async def fail_until(succeeds_at: int) -> int:
    if activity.info().attempt < succeeds_at:
        raise ApplicationError("not yet", {"attempt": activity.info().attempt}, type="NotYet")
    return activity.info().attempt


@workflow.defn
class CallActivities:
    """Calls activities with each function of the SDK."""

    @workflow.run
    async def run(self, name: str) -> list[str]:
        config = ActivityConfig(start_to_close_timeout=LONG_TIMEOUT)
        results = [
            await workflow.execute_activity(greet, args=["Hello", name], **config),
            await workflow.execute_activity("greet", args=["Hi", name], result_type=str, **config),
            await workflow.execute_activity(greet_in_a_thread, name, **config),
            await workflow.execute_activity_class(Shout, name, **config),
            await workflow.execute_activity_method(Greeter.greet, name, **config),
        ]
        handles = [
            workflow.start_activity("wave", name, **config),
            workflow.start_activity_class(Shout, name, **config),
            workflow.start_activity_method(Greeter.greet, name, **config),
        ]
        return results + [await handle for handle in handles]


@workflow.defn
class ConfigureActivity:
    """Runs an activity with every option, and cancels it after a signal."""

    def __init__(self) -> None:
        self.finished = False

    @workflow.run
    async def run(self) -> str:
        handle = workflow.start_activity(
            keep_busy,
            task_queue=workflow.info().task_queue,
            schedule_to_close_timeout=timedelta(minutes=4),
            schedule_to_start_timeout=timedelta(minutes=3),
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=2),
                backoff_coefficient=1.5,
                maximum_interval=timedelta(seconds=7),
                maximum_attempts=5,
                non_retryable_error_types=["Hopeless"],
            ),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            activity_id="the-busy-one",
            versioning_intent=VersioningIntent.COMPATIBLE,
            summary="Keeps **busy**",
            priority=Priority(priority_key=2, fairness_key="ann", fairness_weight=1.5),
        )
        await workflow.wait_condition(lambda: self.finished)
        handle.cancel()
        return await handle

    @workflow.signal
    def finish(self) -> None:
        self.finished = True


@workflow.defn
class RetryActivity:
    """Runs an activity that fails until the attempt succeeds_at."""

    @workflow.run
    async def run(self, succeeds_at: int, retry_interval: float, maximum: int, non_retryable: list[str]) -> int:
        return await workflow.execute_activity(
            fail_until,
            succeeds_at,
            start_to_close_timeout=LONG_TIMEOUT,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=retry_interval),
                maximum_attempts=maximum,
                non_retryable_error_types=non_retryable,
            ),
        )


@workflow.defn
class CancelActivity:
    """Runs an activity that takes some time to end after its cancellation."""

    @workflow.run
    async def run(self, cancellation_type: str) -> str:
        return await workflow.execute_activity(
            keep_busy,
            start_to_close_timeout=LONG_TIMEOUT,
            heartbeat_timeout=LONG_TIMEOUT,
            cancellation_type=ActivityCancellationType[cancellation_type],
        )


@workflow.defn
class LetActivityTimeOut:
    """Runs an activity that exceeds one of its timeouts."""

    @workflow.run
    async def run(self, timeout: str) -> None:
        configs: dict[str, ActivityConfig] = {
            "SCHEDULE_TO_START": {"task_queue": "unpolled", "schedule_to_start_timeout": SHORT_TIMEOUT},
            "START_TO_CLOSE": {"start_to_close_timeout": SHORT_TIMEOUT},
            "SCHEDULE_TO_CLOSE": {"schedule_to_close_timeout": SHORT_TIMEOUT},
            "HEARTBEAT": {"heartbeat_timeout": SHORT_TIMEOUT},
        }
        config: ActivityConfig = {
            "schedule_to_close_timeout": LONG_TIMEOUT,
            "retry_policy": NO_RETRIES,
            **configs[timeout],
        }
        await workflow.execute_activity(stop_heartbeats, "the last heartbeat", **config)


WORKFLOWS = [CallActivities, ConfigureActivity, RetryActivity, CancelActivity, LetActivityTimeOut]
ACTIVITIES = [
    greet,
    greet_in_a_thread,
    Shout(),
    Greeter("As usual").greet,
    stop_heartbeats,
    keep_busy,
    fail_until,
]
