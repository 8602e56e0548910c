"""A workflow that returns the trace ids that the SDK sets in its activity and in its handlers."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from opentelemetry.trace import format_trace_id, get_current_span


def current_trace() -> str:
    return format_trace_id(get_current_span().get_span_context().trace_id)


@activity.defn
async def activity_trace() -> str:
    return current_trace()


@workflow.defn
class Traced:
    """Returns the trace ids of its activity, its signal and its update."""

    def __init__(self) -> None:
        self.traces: dict[str, str] = {}

    @workflow.run
    async def run(self) -> dict[str, str]:
        self.traces["activity"] = await workflow.execute_activity(
            activity_trace, start_to_close_timeout=timedelta(seconds=10)
        )
        await workflow.wait_condition(lambda: {"signal", "update"} <= self.traces.keys())
        return self.traces

    @workflow.signal
    def signal(self) -> None:
        self.traces["signal"] = current_trace()

    @workflow.update
    def update(self) -> str:
        self.traces["update"] = current_trace()
        return self.traces["update"]

    @workflow.query
    def query(self) -> str:
        return current_trace()


WORKFLOWS = [Traced]
ACTIVITIES = [activity_trace]
