"""A client of Flowgate, with which a service runs workflows over HTTP.

Each other resource, such as schedules, has a file with a class that sends its requests with this client.

Numbers are lossless. A number such as ``12345678901234567890`` or ``1.10`` is an int or a Decimal, never a float, and
the client can send it again without loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import simplejson

JSON = Any
Object = dict[str, Any]

# The timeout is longer than the longest wait that a gateway permits.
TIMEOUT = httpx.Timeout(60)


def loads(text: str) -> JSON:
    return simplejson.loads(text, use_decimal=True)


def dumps(value: JSON) -> str:
    return simplejson.dumps(value, use_decimal=True)


class FlowgateError(Exception):
    """A problem document. Programs switch on its code."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.problem: Object = loads(response.text)
        self.code: str = self.problem["code"]
        self.retryable: bool = self.problem["retryable"]
        self.headers = response.headers
        super().__init__(f"{self.status} {self.code}: {self.problem.get('detail')}")


@dataclass(frozen=True)
class Started:
    """The handle of a workflow that was started, or was already running and has started=False."""

    workflow_id: str
    run_id: str
    first_execution_run_id: str | None
    started: bool
    location: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a workflow. While it is RUNNING, `location` is the URL of the outcome."""

    workflow_id: str
    run_id: str
    status: str
    result: JSON = None
    failure: Object | None = None
    new_run_id: str | None = None
    location: str | None = None
    text: str = ""

    @property
    def pending(self) -> bool:
        return self.status == "RUNNING"


@dataclass(frozen=True)
class Tagged:
    """A resource and its ETag. A write with the ETag is rejected if the resource has changed."""

    body: Object
    etag: str


@dataclass(frozen=True)
class Event:
    """An event of a stream. Another stream can resume after the event with this id."""

    id: str
    type: str
    data: Object


class Flowgate:
    """A client for one namespace of a gateway. Without a key, its requests have no credential."""

    def __init__(self, http: httpx.Client, key: str | None = None, namespace: str = "default") -> None:
        self.http = http
        self.namespace = namespace
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def with_headers(self, headers: dict[str, str]) -> Flowgate:
        """Return a client that sends additional headers, such as traceparent, with each request."""
        other = copy(self)
        other._headers = {**self._headers, **headers}
        return other

    def with_namespace(self, namespace: str) -> Flowgate:
        """Return a client for another namespace."""
        other = copy(self)
        other.namespace = namespace
        return other

    def start(
        self,
        workflow_type: str,
        workflow_id: str,
        task_queue: str,
        *args: JSON,
        idempotency_key: str | None = None,
        **options: JSON,
    ) -> Started:
        """Start a workflow. The options are the members of StartWorkflowRequest, such as memo."""
        headers = idempotency(idempotency_key)
        response = self.send(
            "POST", self.workflows(), _start_body(workflow_type, workflow_id, task_queue, args, options), headers
        )
        body = loads(response.text)
        return Started(
            workflow_id=body["workflowId"],
            run_id=body["runId"],
            first_execution_run_id=body.get("firstExecutionRunId"),
            started=body["started"],
            location=response.headers["Location"],
        )

    def execute(
        self, workflow_type: str, workflow_id: str, task_queue: str, *args: JSON, wait: str = "30s", **options: JSON
    ) -> Outcome:
        """Start a workflow and wait for its outcome."""
        body = _start_body(workflow_type, workflow_id, task_queue, args, options)
        return _outcome(self.send("POST", self.workflows(), body, params={"wait": wait}))

    def result(self, workflow_id: str, wait: str | None = "30s", **params: str) -> Outcome:
        path, id_params = self.workflow(workflow_id, "/result")
        if wait:
            params["wait"] = wait
        return _outcome(self.send("GET", path, params={**id_params, **params}))

    def wait_again(self, pending: Outcome, wait: str = "30s") -> Outcome:
        """Continue to wait for the same run, at the location that the gateway returned."""
        assert pending.location is not None
        return _outcome(self.send("GET", httpx.URL(pending.location).copy_merge_params({"wait": wait})))

    def describe(self, workflow_id: str, **params: str) -> Object:
        path, id_params = self.workflow(workflow_id)
        return self.get(path, **id_params, **params)

    def metadata(self, workflow_id: str) -> Object:
        path, id_params = self.workflow(workflow_id, "/metadata")
        return self.get(path, **id_params)

    def history(self, workflow_id: str, **params: str | int) -> Iterator[Object]:
        """The events of a run, read in pages. With waitNewEvent, it also waits for new events until the run closes."""
        path, id_params = self.workflow(workflow_id, "/history")
        return self.pages(path, "events", {**id_params, **params})

    def history_stream(self, workflow_id: str, **params: str | int) -> Iterator[Object]:
        """The current events of a run, in one response with one event per line."""
        path, id_params = self.workflow(workflow_id, "/history")
        return self.lines(path, {**id_params, **params})

    def events(self, workflow_id: str, last_event_id: str = "", **params: str | int) -> Iterator[Event]:
        """The events of all runs of a workflow as they occur, and the event "end".

        If the stream ends early, the client reconnects and resumes after the last event, like a browser's EventSource.
        """
        path, id_params = self.workflow(workflow_id, "/history")
        while True:
            headers = {**self._headers, "Accept": "text/event-stream"} | (
                {"Last-Event-ID": last_event_id} if last_event_id else {}
            )
            with self.http.stream("GET", path, params={**id_params, **params}, headers=headers) as response:
                if response.is_error:
                    response.read()
                    raise FlowgateError(response)
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                for event in _events(response):
                    yield event
                    if event.type == "end":
                        return
                    last_event_id = event.id

    def signal(self, workflow_id: str, signal: str, *args: JSON, idempotency_key: str | None = None) -> None:
        headers = idempotency(idempotency_key)
        path, id_params = self.workflow(workflow_id, "/signal")
        self.send("POST", path, {"signal": signal, "args": args}, headers, id_params)

    def query(self, workflow_id: str, query: str, *args: JSON, **options: JSON) -> JSON:
        """Query a workflow by POST, which supports arguments."""
        path, id_params = self.workflow(workflow_id, "/query")
        response = self.send("POST", path, {"query": query, "args": args, **options}, params=id_params)
        return loads(response.text).get("result")

    def query_by_name(self, workflow_id: str, query: str, **params: str) -> JSON:
        """Query a workflow by GET, without arguments."""
        path, id_params = self.workflow(workflow_id, "/query")
        return self.get(path, query=query, **id_params, **params).get("result")

    def update(self, workflow_id: str, update: str, *args: JSON, wait: str | None = None, **options: JSON) -> Object:
        """Update a workflow. The options are the members of UpdateRequest, such as updateId and waitForStage."""
        path, id_params = self.workflow(workflow_id, "/updates")
        params = {**id_params, "wait": wait} if wait else id_params
        response = self.send("POST", path, {"update": update, "args": args, **options}, params=params)
        body: Object = loads(response.text)
        return body

    def update_result(self, workflow_id: str, update_id: str, **params: str) -> Object:
        """The outcome of an update, or its current stage."""
        path, id_params = self.workflow(workflow_id, "/updates/")
        return self.get(path + quote(update_id, safe=""), **id_params, **params)

    def update_with_start(self, start: Object, update: Object, idempotency_key: str | None = None) -> Object:
        headers = idempotency(idempotency_key)
        response = self.send("POST", self.workflows() + ":updateWithStart", {"start": start, "update": update}, headers)
        body: Object = loads(response.text)
        return body

    def token(self, workflow_id: str, **permissions: JSON) -> str:
        """Create a delegated token for this workflow: read=True, signals=[...], updates=[...], ttl="5m"."""
        path, id_params = self.workflow(workflow_id, "/tokens")
        token: str = loads(self.send("POST", path, permissions, params=id_params).text)["token"]
        return token

    def cancel(self, workflow_id: str, reason: str | None = None, **params: str) -> None:
        path, id_params = self.workflow(workflow_id, "/cancel")
        self.send("POST", path, {"reason": reason} if reason else None, params={**id_params, **params})

    def terminate(self, workflow_id: str, reason: str | None = None, *details: JSON, **params: str) -> None:
        path, id_params = self.workflow(workflow_id, "/terminate")
        body: Object = {}
        if reason:
            body["reason"] = reason
        if details:
            body["details"] = details
        self.send("POST", path, body or None, params={**id_params, **params})

    def reset(self, workflow_id: str, run_id: str | None = None, **point: JSON) -> str:
        """Reset to a point: resetType="LAST_WORKFLOW_TASK", eventId=9 or buildId="b". Returns the id of the new run."""
        path, id_params = self.workflow(workflow_id, "/reset")
        params = {**id_params, "runId": run_id} if run_id else id_params
        new_run: str = loads(self.send("POST", path, point, params=params).text)["runId"]
        return new_run

    def pause(self, workflow_id: str, reason: str | None = None, idempotency_key: str | None = None) -> None:
        headers = idempotency(idempotency_key)
        path, id_params = self.workflow(workflow_id, "/pause")
        self.send("POST", path, {"reason": reason} if reason else None, headers, id_params)

    def unpause(self, workflow_id: str, reason: str | None = None) -> None:
        path, id_params = self.workflow(workflow_id, "/unpause")
        self.send("POST", path, {"reason": reason} if reason else None, params=id_params)

    def update_options(self, workflow_id: str, **options: JSON) -> Object:
        """Change options of a running workflow. None removes an option. Returns the effective options."""
        path, id_params = self.workflow(workflow_id)
        effective: Object = loads(self.send("PATCH", path, options, params=id_params).text)
        return effective

    def delete(self, workflow_id: str, **params: str) -> None:
        path, id_params = self.workflow(workflow_id)
        self.send("DELETE", path, params={**id_params, **params})

    def start_batch(self, operation: Object, idempotency_key: str | None = None, **target: JSON) -> str:
        """Start a batch job: query="..." or executions=[...]. Returns the id of the job."""
        headers = idempotency(idempotency_key)
        job_id: str = loads(self.send("POST", self.batches(), {"operation": operation, **target}, headers).text)[
            "jobId"
        ]
        return job_id

    def count_batch(self, operation: Object, **target: JSON) -> int:
        """Count the workflows that a batch job would apply to."""
        count: int = loads(self.send("POST", self.batches(), {"operation": operation, "dryRun": True, **target}).text)[
            "count"
        ]
        return count

    def list_batches(self, **params: str | int) -> Iterator[Object]:
        return self.lines(self.batches(), params)

    def describe_batch(self, job_id: str) -> Object:
        return self.get(self.batches(job_id))

    def stop_batch(self, job_id: str, reason: str | None = None) -> None:
        self.send("POST", self.batches(job_id) + "/stop", {"reason": reason} if reason else None)

    def batches(self, job_id: str | None = None) -> str:
        return self.path("batches", job_id) if job_id else self.path("batches")

    def list(self, query: str, **params: str | int) -> Iterator[Object]:
        """List workflows, read in pages."""
        return self.pages(self.workflows(), "workflows", {"query": query, **params})

    def stream(self, query: str, **params: str | int) -> Iterator[Object]:
        """List workflows, in one response with one workflow per line."""
        return self.lines(self.workflows(), {"query": query, **params})

    def count(self, query: str) -> Object:
        return self.get(self.workflows() + ":count", query=query)

    def settings(self) -> Object:
        return self.get(self.path("client"))

    def system_info(self) -> Object:
        return self.get("/v1/system-info")

    def workflows(self) -> str:
        return self.path("workflows")

    def workflow(self, workflow_id: str, suffix: str = "") -> tuple[str, dict[str, str]]:
        """The path of a workflow, and the query parameters that go with it."""
        return instance(self.workflows(), "workflowId", workflow_id, suffix)

    def path(self, *segments: str) -> str:
        """The path of a resource of the namespace. It encodes the segments, but for a colon, which begins a verb."""
        return "/".join(["/v1/namespaces", self.namespace, *(quote(segment, safe=":") for segment in segments)])

    def get(self, path: str, /, **params: Any) -> Object:
        body: Object = loads(self.send("GET", path, params=params).text)
        return body

    def pages(self, path: str, member: str, params: dict[str, Any]) -> Iterator[Object]:
        """The items of a list, which are a member of its pages. It requests each page when it is needed."""
        page: Object = {"nextPageToken": None}
        while "nextPageToken" in page:
            token = {"pageToken": page["nextPageToken"]} if page["nextPageToken"] else {}
            page = self.get(path, **params, **token)
            yield from page[member]

    def lines(self, path: str, params: dict[str, Any]) -> Iterator[Object]:
        """Read a stream as it arrives. Raises an error of httpx if the stream is truncated."""
        headers = {**self._headers, "Accept": "application/x-ndjson"}
        with self.http.stream("GET", path, params=params, headers=headers) as response:
            if response.is_error:
                response.read()
                raise FlowgateError(response)
            rest = ""
            for chunk in response.iter_text():
                # A JSON string can contain U+2028 and other line separators. Only "\n" ends a line of NDJSON.
                *lines, rest = (rest + chunk).split("\n")
                yield from map(loads, lines)

    def send(
        self,
        method: str,
        url: str | httpx.URL,
        body: Object | str | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Send a request. The body, if any, is encoded as JSON unless it is a string."""
        headers = {**self._headers, **(headers or {})}
        content = None
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, str) else dumps(body)
        response = self.http.request(method, url, content=content, headers=headers, params=params or None)
        if response.headers.get("Content-Type") == "application/problem+json":
            raise FlowgateError(response)
        return response


def connect(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=TIMEOUT)


def instance(collection: str, parameter: str, id_: str, suffix: str = "") -> tuple[str, dict[str, str]]:
    """The path of an instance in a collection, and the query parameters that go with it.

    URL libraries remove the path segments "." and "..", and the segment "-" means that the id is in a query parameter.
    These three ids are therefore sent as a query parameter.
    """
    if id_ in (".", "..", "-"):
        return f"{collection}/-{suffix}", {parameter: id_}
    return f"{collection}/{quote(id_, safe='')}{suffix}", {}


def idempotency(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


def _start_body(workflow_type: str, workflow_id: str, task_queue: str, args: Sequence[JSON], options: Object) -> Object:
    body = {"workflowType": workflow_type, "workflowId": workflow_id, "taskQueue": task_queue, **options}
    if args:
        body["args"] = args
    return body


def _events(response: httpx.Response) -> Iterator[Event]:
    """Parse server-sent events that have the form in which the gateway writes them."""
    rest, fields = "", dict[str, str]()
    for chunk in response.iter_text():
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
                continue
            if "data" in fields:
                yield Event(fields.get("id", ""), fields.get("event", "message"), loads(fields["data"]))
            fields = {}


def _outcome(response: httpx.Response) -> Outcome:
    body = loads(response.text)
    return Outcome(
        workflow_id=body["workflowId"],
        run_id=body["runId"],
        status=body["status"],
        result=body.get("result"),
        failure=body.get("failure"),
        new_run_id=body.get("newRunId"),
        location=response.headers.get("Location"),
        text=response.text,
    )
