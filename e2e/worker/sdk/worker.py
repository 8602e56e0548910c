"""A worker that uses every construct of the SDK's workflow module, with one module of workflows for each kind.

    python worker.py ADDRESS NAMESPACE TASK_QUEUE

It writes "ready" when it has started to poll, and exits when its input ends: even if the tests are killed.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Worker

import activities
import children
import continued
import external
import local
import messages
import nexus
import state
import traced
import versions

MODULES = (activities, children, continued, external, local, messages, nexus, state, traced, versions)


async def main(address: str, namespace: str, task_queue: str) -> None:
    client = await Client.connect(address, namespace=namespace, interceptors=[TracingInterceptor()])
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[workflow for module in MODULES for workflow in module.WORKFLOWS],
        activities=[activity for module in MODULES for activity in module.ACTIVITIES],
        activity_executor=ThreadPoolExecutor(),
        nexus_service_handlers=nexus.SERVICES,
        # Heartbeat details and cancellations are delivered without delay.
        max_heartbeat_throttle_interval=timedelta(milliseconds=50),
    )
    await nexus.create_endpoint(client, task_queue)
    async with AsyncExitStack() as running:
        for each in (worker, *versions.workers(client, task_queue)):
            await running.enter_async_context(each)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
