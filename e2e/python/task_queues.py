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
