"""Worker deployments and their versions: which version new workflows run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowgate import JSON, Flowgate, Object, Tagged, loads


class Deployments:
    """The worker deployments of a namespace. One exists as soon as a worker with its name has polled."""

    def __init__(self, flowgate: Flowgate) -> None:
        self._flowgate = flowgate

    def list(self, **params: Any) -> Iterator[Object]:
        """List deployments, read in pages."""
        return self._flowgate.pages(self._path(), "deployments", params)

    def stream(self, **params: Any) -> Iterator[Object]:
        """List deployments, in one response with one deployment per line."""
        return self._flowgate.lines(self._path(), params)

    def describe(self, name: str) -> Tagged:
        response = self._flowgate.send("GET", self._path(name))
        return Tagged(loads(response.text), response.headers["ETag"])

    def set_current_version(self, name: str, build_id: str | None, etag: str | None = None, **options: JSON) -> str:
        """Route workflows to a version, or to workers without versioning. Returns the new ETag."""
        return self._put(name, "current-version", {"buildId": build_id, **options}, etag)

    def set_ramping_version(
        self, name: str, build_id: str | None, percentage: float, etag: str | None = None, **options: JSON
    ) -> str:
        """Route a percentage of the workflows to a version. Returns the new ETag."""
        return self._put(name, "ramping-version", {"buildId": build_id, "percentage": percentage, **options}, etag)

    def set_manager(self, name: str, identity: str | None, etag: str | None = None) -> str:
        """Set the only identity that may change the deployment, or remove it. Returns the new ETag."""
        return self._put(name, "manager", {"managerIdentity": identity}, etag)

    def delete(self, name: str) -> None:
        self._flowgate.send("DELETE", self._path(name))

    def describe_version(self, name: str, build_id: str, **params: str) -> Object:
        return self._flowgate.get(self._path(name, "versions", build_id), **params)

    def update_metadata(self, name: str, build_id: str, **change: JSON) -> Object:
        """Set and remove entries: upsertEntries={...}, removeEntries=[...]. Returns all entries."""
        path = self._path(name, "versions", build_id, "metadata")
        body: Object = loads(self._flowgate.send("PATCH", path, change).text)
        return body

    def delete_version(self, name: str, build_id: str, **params: str) -> None:
        self._flowgate.send("DELETE", self._path(name, "versions", build_id), params=params)

    def _put(self, name: str, setting: str, body: Object, etag: str | None) -> str:
        headers = {"If-Match": etag} if etag else {}
        return self._flowgate.send("PUT", self._path(name, setting), body, headers).headers["ETag"]

    def _path(self, *segments: str) -> str:
        return self._flowgate.path("deployments", *segments)
