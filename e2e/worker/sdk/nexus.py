"""Nexus: a service of two operations, its handler, and workflows that call it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import nexusrpc
from nexusrpc.handler import StartOperationContext, service_handler, sync_operation
from temporalio import nexus, workflow
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, NexusOperationError
from temporalio.workflow import NexusClient, NexusOperationCancellationType

from activities import LONG_TIMEOUT, SHORT_TIMEOUT
from children import SlowToCancel


@nexusrpc.service
class Desk:
    """A service that answers questions."""

    answer: nexusrpc.Operation[str, str]
    ponder: nexusrpc.Operation[str, str]


@service_handler(service=Desk)
class DeskHandler:
    @sync_operation
    async def answer(self, _: StartOperationContext, question: str) -> str:
        """Returns the answer synchronously, or fails."""
        match question:
            case "reject":
                raise nexusrpc.OperationError("rejected", state=nexusrpc.OperationErrorState.FAILED)
            case "fail":
                raise ApplicationError("no answer", {"asked": question}, type="NoAnswer", non_retryable=True)
            case "not found":
                raise nexusrpc.HandlerError("unknown question", type=nexusrpc.HandlerErrorType.NOT_FOUND)
            case "retry":
                raise nexusrpc.HandlerError("temporarily unavailable", type=nexusrpc.HandlerErrorType.UNAVAILABLE)
        return f"{question}: yes"

    @nexus.workflow_run_operation
    async def ponder(self, ctx: nexus.WorkflowRunOperationContext, workflow_id: str) -> nexus.WorkflowHandle[str]:
        """Starts a workflow whose result is the answer."""
        return await ctx.start_workflow(SlowToCancel.run, id=workflow_id)


def desk() -> NexusClient[Desk]:
    """Returns a client of the endpoint. Its name is that of the task queue."""
    return workflow.create_nexus_client(service=Desk, endpoint=workflow.info().task_queue)


@workflow.defn
class Ask:
    """Calls the synchronous operation."""

    @workflow.run
    async def run(self, question: str) -> str:
        return await desk().execute_operation(
            Desk.answer, question, schedule_to_close_timeout=LONG_TIMEOUT, summary="A **question**"
        )


@workflow.defn
class AskByName:
    """Calls an operation by the name of the service and the name of the operation."""

    @workflow.run
    async def run(self, question: str) -> str:
        client = workflow.create_nexus_client(service="Desk", endpoint=workflow.info().task_queue)
        return await client.execute_operation("answer", question, output_type=str)


@workflow.defn
class Ponder:
    """Calls the asynchronous operation, cancels it after a signal, and records the result."""

    def __init__(self) -> None:
        self.cancel_requested = False
        self.result: str | None = None

    @workflow.run
    async def run(self, cancellation_type: str) -> None:
        handle = await desk().start_operation(
            Desk.ponder,
            f"{workflow.info().workflow_id}-pondering",
            schedule_to_close_timeout=timedelta(minutes=3),
            schedule_to_start_timeout=timedelta(minutes=2),
            start_to_close_timeout=timedelta(minutes=1),
            cancellation_type=NexusOperationCancellationType[cancellation_type],
        )
        await workflow.wait_condition(lambda: self.cancel_requested)
        handle.cancel()
        try:
            self.result = await handle
        except NexusOperationError as error:
            self.result = type(error.cause).__name__
        await asyncio.Future()

    @workflow.signal
    def cancel_operation(self) -> None:
        self.cancel_requested = True

    @workflow.query
    def outcome(self) -> str | None:
        return self.result


@workflow.defn
class PonderAndWait:
    """Calls the asynchronous operation, and waits for the result."""

    @workflow.run
    async def run(self) -> str:
        handle = await desk().start_operation(Desk.ponder, f"{workflow.info().workflow_id}-pondering")
        assert handle.operation_token
        return await handle


@workflow.defn
class LetOperationTimeOut:
    """Calls an operation that exceeds its timeout."""

    @workflow.run
    async def run(self) -> str:
        return await desk().execute_operation(
            Desk.ponder, f"{workflow.info().workflow_id}-pondering", start_to_close_timeout=SHORT_TIMEOUT
        )


async def create_endpoint(client: Client, task_queue: str) -> None:
    target = EndpointTarget(worker=EndpointTarget.Worker(namespace=client.namespace, task_queue=task_queue))
    await client.operator_service.create_nexus_endpoint(
        CreateNexusEndpointRequest(spec=EndpointSpec(name=task_queue, target=target))
    )


WORKFLOWS = [Ask, AskByName, Ponder, PonderAndWait, LetOperationTimeOut]
ACTIVITIES: list[object] = []
SERVICES = [DeskHandler()]
