"""Run chains: continued as new, retried, and run on a cron schedule."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.workflow import VersioningIntent

from activities import LONG_TIMEOUT


@activity.defn
async def fill_history() -> str:
    return "x" * 1_000_000


@workflow.defn
class Countdown:
    """Continues as new a number of times, and returns the ids of the previous run and of the first run."""

    @workflow.run
    async def run(self, remaining: int) -> list[str | None]:
        if remaining:
            workflow.continue_as_new(remaining - 1)
        return [workflow.info().continued_run_id, workflow.info().first_execution_run_id]


@workflow.defn
class ContinueConfigured:
    """Continues as new with every option."""

    @workflow.run
    async def run(self) -> None:
        workflow.continue_as_new(
            args=["the second run"],
            workflow=Continued.run,
            task_queue=workflow.info().task_queue,
            run_timeout=timedelta(hours=2),
            task_timeout=timedelta(seconds=9),
            backoff_start_interval=timedelta(hours=1),
            retry_policy=RetryPolicy(maximum_attempts=3),
            memo={"left": 12345678901234567890},
            versioning_intent=VersioningIntent.COMPATIBLE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_int("Items"), 7)]),
        )


@workflow.defn
class Continued:
    """The second run of ContinueConfigured."""

    @workflow.run
    async def run(self, text: str) -> str:
        return text


@workflow.defn
class Inherit:
    """Continues as new without options, and returns a value of the memo that the second run inherits."""

    @workflow.run
    async def run(self, is_first: bool) -> object:
        if is_first:
            workflow.continue_as_new(False)
        return workflow.memo_value("left")


@workflow.defn
class ContinueWhenSuggested:
    """Continues as new when the SDK suggests it. The second run returns the length of the first run's history."""

    @workflow.run
    async def run(self, length: int) -> int:
        while not length:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(workflow.info().get_current_history_length())
            await workflow.execute_activity(fill_history, start_to_close_timeout=LONG_TIMEOUT)
        return length


@workflow.defn
class Tick:
    """Fails in the first run of a cron schedule. Each later run returns the failure or the result before it."""

    @workflow.run
    async def run(self) -> str:
        if workflow.has_last_completion_result():
            return f"after {workflow.get_last_completion_result(str)}"
        if workflow.get_last_failure() is None:
            raise ApplicationError("the first run fails", type="First")
        return str(workflow.get_last_failure())


WORKFLOWS = [Countdown, ContinueConfigured, Continued, Inherit, ContinueWhenSuggested, Tick]
ACTIVITIES = [fill_history]
