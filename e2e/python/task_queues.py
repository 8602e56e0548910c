"""Task queues: what polls them, and a poll for activity tasks, with which a program is a worker."""

from __future__ import annotations

from flowgate import JSON, Flowgate, Object, instance, loads


class TaskQueues:
    """The task queues of a namespace. They exist as soon as they are used."""

    def __init__(self, flowgate: Flowgate) -> None:
        self._flowgate = flowgate
        self._path = flowgate.path("task-queues")

    def describe(self, task_queue: str, **params: str) -> Object:
        path, id_params = instance(self._path, "taskQueue", task_queue)
        return self._flowgate.get(path, **id_params, **params)

    def poll_activity(self, task_queue: str, wait: str | None = None, **worker: JSON) -> Object | None:
        """Wait for an activity task. The worker is described by the members of PollActivityTaskRequest."""
        path, id_params = instance(self._path, "taskQueue", task_queue, "/activities:poll")
        params = {"wait": wait} if wait else {}
        response = self._flowgate.send("POST", path, worker or None, params={**id_params, **params})
        return loads(response.text) if response.content else None

    def build_ids(self, task_queue: str, **params: int) -> Object:
        """The sets of compatible build ids, and the default for new workflows."""
        path, id_params = instance(self._path, "taskQueue", task_queue, "/build-id-compatibility")
        return self._flowgate.get(path, **id_params, **params)

    def update_build_ids(self, task_queue: str, operation: str, **members: JSON) -> None:
        """Apply one operation, such as addNewDefault, with its members."""
        path, params = instance(self._path, "taskQueue", task_queue, "/build-id-compatibility")
        self._flowgate.send("POST", path, {operation: members}, params=params)

    def reachability(self, *build_ids: str, **options: JSON) -> Object:
        """Which tasks can still reach workers with the build ids: taskQueues=[...], reachabilityType="..."."""
        body = {"buildIds": build_ids, **options}
        response = self._flowgate.send("POST", self._flowgate.path("task-reachability"), body)
        found: Object = loads(response.text)["buildIdReachability"]
        return found
