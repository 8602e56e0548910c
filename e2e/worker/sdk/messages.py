"""Signals, queries and updates: named, described, dynamic, validated, and set while the workflow runs."""

from __future__ import annotations

from temporalio import workflow


@workflow.defn
class Messages:
    """Collects what it is told, until it is told to finish."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.finished = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.finished)
        return self.told

    @workflow.signal(description="Takes one more message")
    async def add_message(self, message: str) -> None:
        self.told.append(message)

    @workflow.signal(name="custom_signal")
    def finish(self) -> None:
        self.finished = True


WORKFLOWS = [Messages]
ACTIVITIES: list[object] = []
