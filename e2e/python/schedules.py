"""Schedules, which start workflows at the times of a specification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from flowgate import JSON, Flowgate, Object, Tagged, idempotency, instance, loads


class Schedules:
    """The schedules of a namespace."""

    def __init__(self, flowgate: Flowgate) -> None:
        self._flowgate = flowgate
        self._path = flowgate.path("schedules")

    def create(
        self, schedule_id: str, schedule: Object, idempotency_key: str | None = None, **options: JSON
    ) -> str | None:
        """Create a schedule. The options are the members of CreateScheduleRequest. Returns the ETag, if it is known."""
        body = {"scheduleId": schedule_id, "schedule": schedule, **options}
        response = self._flowgate.send("POST", self._path, body, idempotency(idempotency_key))
        assert response.headers["Location"].startswith(self._path)
        etag: str | None = response.headers.get("ETag")
        return etag

    def list(self, query: str = "", **params: Any) -> Iterator[Object]:
        """List schedules, read in pages."""
        return self._flowgate.pages(self._path, "schedules", {"query": query, **params})

    def stream(self, query: str = "", **params: Any) -> Iterator[Object]:
        """List schedules, in one response with one schedule per line."""
        return self._flowgate.lines(self._path, {"query": query, **params})

    def count(self, query: str = "") -> int:
        count: int = self._flowgate.get(self._path + ":count", query=query)["count"]
        return count

    def describe(self, schedule_id: str) -> Tagged:
        path, params = self._instance(schedule_id)
        return _tagged(self._flowgate.send("GET", path, params=params))

    def replace(self, schedule_id: str, schedule: Object, etag: str | None = None, **options: JSON) -> Tagged:
        path, params = self._instance(schedule_id)
        return _tagged(self._flowgate.send("PUT", path, {"schedule": schedule, **options}, _if_match(etag), params))

    def patch(self, schedule_id: str, patch: Object, etag: str | None = None) -> Tagged:
        """Change the members that the JSON Merge Patch names. None removes a member."""
        path, params = self._instance(schedule_id)
        headers = {"Content-Type": "application/merge-patch+json", **_if_match(etag)}
        return _tagged(self._flowgate.send("PATCH", path, patch, headers, params))

    def delete(self, schedule_id: str) -> None:
        path, params = self._instance(schedule_id)
        self._flowgate.send("DELETE", path, params=params)

    def pause(self, schedule_id: str, note: str | None = None, idempotency_key: str | None = None) -> None:
        self._post(schedule_id, "/pause", {"note": note} if note else None, idempotency_key)

    def unpause(self, schedule_id: str, note: str | None = None, idempotency_key: str | None = None) -> None:
        self._post(schedule_id, "/unpause", {"note": note} if note else None, idempotency_key)

    def trigger(self, schedule_id: str, overlap: str | None = None, idempotency_key: str | None = None) -> None:
        self._post(schedule_id, "/trigger", {"overlap": overlap} if overlap else None, idempotency_key)

    def backfill(self, schedule_id: str, *backfill: Object, idempotency_key: str | None = None) -> None:
        """Take the actions of past times: {"startAt": ..., "endAt": ..., "overlap": ...}."""
        self._post(schedule_id, "/backfill", {"backfill": backfill}, idempotency_key)

    def matching_times(self, schedule_id: str, start: str, end: str) -> Sequence[str]:
        path, params = self._instance(schedule_id, "/matching-times")
        times: Sequence[str] = self._flowgate.get(path, startTime=start, endTime=end, **params)["startTimes"]
        return times

    def _post(self, schedule_id: str, suffix: str, body: Object | None, idempotency_key: str | None) -> None:
        path, params = self._instance(schedule_id, suffix)
        self._flowgate.send("POST", path, body, idempotency(idempotency_key), params)

    def _instance(self, schedule_id: str, suffix: str = "") -> tuple[str, dict[str, str]]:
        return instance(self._path, "scheduleId", schedule_id, suffix)


def _if_match(etag: str | None) -> dict[str, str]:
    return {"If-Match": etag} if etag else {}


def _tagged(response: httpx.Response) -> Tagged:
    return Tagged(loads(response.text), response.headers["ETag"])
