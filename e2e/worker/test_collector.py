"""One trace of a caller, the gateway and a worker, as a collector receives it by OTLP over HTTP."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from conftest import SDK
from flowgate import Flowgate, connect
from observe import eventually

REPOSITORY = Path(__file__).parents[2]
GATEWAY = os.environ.get("GATEWAY_BINARY", str(REPOSITORY / "bin" / "gateway"))


class Collector(ThreadingHTTPServer):
    """Receives spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.lock = threading.Lock()
        self.received: list[tuple[str, Span]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self, trace_id: str) -> dict[tuple[str, str], Span]:
        """The spans of a trace, by the name of the service and of the span. Fails if two have the same names."""
        with self.lock:
            found = [(service, span) for service, span in self.received if span.trace_id.hex() == trace_id]
        spans = {(service, span.name): span for service, span in found}
        assert len(spans) == len(found)
        return spans


class Receiver(BaseHTTPRequestHandler):
    """Decodes one export of spans."""

    server: Collector

    def do_POST(self) -> None:
        export = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            for resource in export.resource_spans:
                attributes = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
                for scope in resource.scope_spans:
                    self.server.received += [(attributes["service.name"], span) for span in scope.spans]
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Writes nothing: requests are not part of the test's output."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def traced_gateway(collector: Collector) -> Iterator[Flowgate]:
    """A client of a gateway that exports its spans to the collector."""
    # The gateway rejects variables that start with FLOWGATE_ and are not settings, such as those of the tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOWGATE_")} | {
        "FLOWGATE_UPSTREAM_ADDRESS": os.environ["FLOWGATE_UPSTREAM_ADDRESS"],
        "FLOWGATE_LISTEN_PUBLIC": "127.0.0.1:0",
        "FLOWGATE_LISTEN_ADMIN": "127.0.0.1:0",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    command = [GATEWAY, "serve", "--config", str(REPOSITORY / "dev" / "stack" / "gateway.yaml")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as gateway:
        assert gateway.stderr
        lines = (json.loads(line) for line in gateway.stderr)
        url = "http://" + next(line["public"] for line in lines if line["msg"] == "serving")
        drained = threading.Thread(target=gateway.stderr.read)
        drained.start()
        try:
            with connect(url) as client:
                eventually(lambda: client.get("/readyz").status_code == 200)
                yield Flowgate(client, os.environ["FLOWGATE_KEY"], os.environ["FLOWGATE_NAMESPACE"])
        finally:
            gateway.terminate()
            drained.join()
            assert gateway.wait(timeout=30) == 0


@pytest.fixture
def exporting_queue(sdk: list[str], collector: Collector) -> Iterator[str]:
    """The task queue of a worker that exports its spans to the collector."""
    name = f"exporting-{uuid.uuid4()}"
    arguments = [os.environ["FLOWGATE_UPSTREAM_ADDRESS"], os.environ["FLOWGATE_NAMESPACE"], name]
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with subprocess.Popen(
        [*sdk, "-B", "exporting.py", *arguments],
        cwd=SDK,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n", "the worker did not start"
        yield name
        worker.stdin.close()
        assert worker.wait(timeout=30) == 0


def test_one_trace_from_the_caller_to_the_activity(
    collector: Collector, traced_gateway: Flowgate, exporting_queue: str, new_id: str
) -> None:
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    traced_gateway.with_headers({"traceparent": f"00-{trace_id}-{caller}-01"}).start("Traced", new_id, exporting_queue)
    traced_gateway.signal(new_id, "signal")
    traced_gateway.update(new_id, "update")
    assert traced_gateway.result(new_id).result["activity"] == trace_id

    # Each span of the trace, with the parent that it must have. The spans that the SDK creates in the workflow's code
    # have the same parent: none of them is open while the code runs, because a replay could not continue it.
    request = ("flowgate", "POST /v1/namespaces/{namespace}/workflows")
    workflow = ("worker", "RunWorkflow:Traced")
    schedule = ("worker", "StartActivity:activity_trace")
    parents = {
        ("flowgate", "StartWorkflowExecution"): request,
        workflow: request,
        schedule: request,
        ("worker", "RunActivity:activity_trace"): schedule,
    }
    expected = {request, *parents}
    spans = eventually(lambda: found if (found := collector.spans(trace_id)).keys() >= expected else None)
    assert spans[request].parent_span_id.hex() == caller
    for child, parent in parents.items():
        assert spans[child].parent_span_id == spans[parent].span_id, child
