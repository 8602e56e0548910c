"""A worker of the traced workflow that exports its spans by OTLP over HTTP.

    python exporting.py ADDRESS NAMESPACE TASK_QUEUE

OTEL_EXPORTER_OTLP_ENDPOINT is the address of the collector. The worker writes "ready" when it has started to poll, and
exits when its input ends.
"""

from __future__ import annotations

import asyncio
import sys

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Worker

import traced


async def main(address: str, namespace: str, task_queue: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "worker"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing = TracingInterceptor(provider.get_tracer("worker"))
    client = await Client.connect(address, namespace=namespace, interceptors=[tracing])
    async with Worker(client, task_queue=task_queue, workflows=traced.WORKFLOWS, activities=traced.ACTIVITIES):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    provider.shutdown()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
