"""Activities: reports about one from outside of its worker, and activities without a workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowgate import JSON, Flowgate, Object, idempotency, instance, loads


class Activities:
    """The activities of a namespace.

    Reports name the activity by {"taskToken": ...}, or by {"workflowId": ..., "runId": ..., "activityId": ...}. A task
    from a poll has a token, so it can be passed as it is.
    """

    def __init__(self, flowgate: Flowgate) -> None:
        self._flowgate = flowgate
        self._path = flowgate.path("activities")

    def heartbeat(self, activity: Object, *details: JSON) -> Object:
        """Record a heartbeat. Returns whether the activity has been cancelled, paused or reset."""
        response = self._report(":heartbeat", activity, {"details": details} if details else {})
        state: Object = loads(response)
        return state

    def complete(self, activity: Object, **result: JSON) -> None:
        """Complete an activity: result=... or resultPayload=..., or neither if it has no result."""
        self._report(":complete", activity, result)

    def fail(self, activity: Object, message: str, **failure: JSON) -> None:
        """Fail the current attempt. The failure has the members of FailureInput, such as type and nonRetryable."""
        heartbeat = {name: failure.pop(name) for name in ("lastHeartbeatDetails",) if name in failure}
        self._report(":fail", activity, {"failure": {"message": message, **failure}, **heartbeat})

    def report_cancellation(self, activity: Object, *details: JSON) -> None:
        self._report(":reportCancellation", activity, {"details": details} if details else {})

    def _report(self, verb: str, activity: Object, members: Object) -> str:
        ids = ["taskToken"] if "taskToken" in activity else ["workflowId", "runId", "activityId"]
        body = {name: activity[name] for name in ids if name in activity}
        return self._flowgate.send("POST", self._path + verb, {**body, **members}).text

    def start(
        self,
        activity_type: str,
        activity_id: str,
        task_queue: str,
        *args: JSON,
        wait: str | None = None,
        idempotency_key: str | None = None,
        **options: JSON,
    ) -> Object:
        """Start an activity without a workflow. The options are the members of StartActivityRequest.

        With a wait, the response has the outcome, or the status RUNNING.
        """
        body = {"activityType": activity_type, "activityId": activity_id, "taskQueue": task_queue, **options}
        if args:
            body["args"] = args
        params = {"wait": wait} if wait else {}
        started: Object = loads(
            self._flowgate.send("POST", self._path, body, idempotency(idempotency_key), params).text
        )
        return started

    def list(self, query: str = "", **params: Any) -> Iterator[Object]:
        """List activities without a workflow, read in pages."""
        return self._flowgate.pages(self._path, "activities", {"query": query, **params})

    def stream(self, query: str = "", **params: Any) -> Iterator[Object]:
        """List activities without a workflow, in one response with one activity per line."""
        return self._flowgate.lines(self._path, {"query": query, **params})

    def count(self, query: str = "") -> Object:
        return self._flowgate.get(self._path + ":count", query=query)

    def describe(self, activity_id: str, **params: str) -> Object:
        path, id_params = self._instance(activity_id)
        return self._flowgate.get(path, **id_params, **params)

    def result(self, activity_id: str, wait: str | None = "30s", **params: str) -> Object:
        """The outcome of an activity. Its status is RUNNING if the wait has timed out."""
        path, id_params = self._instance(activity_id, "/result")
        return self._flowgate.get(path, **id_params, **({"wait": wait} if wait else {}), **params)

    def cancel(
        self, activity_id: str, reason: str | None = None, idempotency_key: str | None = None, **params: str
    ) -> None:
        path, id_params = self._instance(activity_id, "/cancel")
        body = {"reason": reason} if reason else None
        self._flowgate.send("POST", path, body, idempotency(idempotency_key), {**id_params, **params})

    def terminate(
        self, activity_id: str, reason: str | None = None, idempotency_key: str | None = None, **params: str
    ) -> None:
        path, id_params = self._instance(activity_id, "/terminate")
        body = {"reason": reason} if reason else None
        self._flowgate.send("POST", path, body, idempotency(idempotency_key), {**id_params, **params})

    def _instance(self, activity_id: str, suffix: str = "") -> tuple[str, dict[str, str]]:
        return instance(self._path, "activityId", activity_id, suffix)
