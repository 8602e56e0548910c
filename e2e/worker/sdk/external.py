"""Workflows that signal and cancel others that are not their children."""

from __future__ import annotations

from temporalio import workflow
from temporalio.workflow import ExternalWorkflowHandle

from children import Child


@workflow.defn
class SignalAnother:
    """Signals another workflow with its result, by id, by run, or by type."""

    @workflow.run
    async def run(self, workflow_id: str, run_id: str | None, typed: bool) -> list[str | None]:
        if typed:
            typed_handle: ExternalWorkflowHandle[Child]
            typed_handle = workflow.get_external_workflow_handle_for(Child.run, workflow_id, run_id=run_id)
            await typed_handle.signal(Child.complete, "by type")
            return [typed_handle.id, typed_handle.run_id]
        handle = workflow.get_external_workflow_handle(workflow_id, run_id=run_id)
        await handle.signal("complete", "by name")
        return [handle.id, handle.run_id]


@workflow.defn
class CancelAnother:
    """Cancels another workflow, by id or by run."""

    @workflow.run
    async def run(self, workflow_id: str, run_id: str | None) -> None:
        await workflow.get_external_workflow_handle(workflow_id, run_id=run_id).cancel()


WORKFLOWS = [SignalAnother, CancelAnother]
ACTIVITIES: list[object] = []
