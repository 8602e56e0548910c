"""Task queues, and a worker for activities that has no SDK."""

import pytest

from activities import Activities
from flowgate import Flowgate, FlowgateError
from task_queues import TaskQueues


def test_task_queue_has_its_pollers(task_queues: TaskQueues, task_queue: str) -> None:
    description = task_queues.describe(task_queue)
    assert description["taskQueue"] == task_queue
    assert [queue["type"] for queue in description["types"]] == ["WORKFLOW", "ACTIVITY"]
    assert all(queue["pollers"] for queue in description["types"])
    assert all("approximateBacklogCount" in queue["stats"] for queue in description["types"])
    (nexus,) = task_queues.describe(task_queue, type="NEXUS")["types"]
    assert nexus["type"] == "NEXUS"


def test_poll_without_a_task_is_empty(task_queues: TaskQueues, new_id: str) -> None:
    assert task_queues.poll_activity(new_id) is None
    assert task_queues.poll_activity(new_id, wait="2s", identitySuffix="w-1", maxTasksPerSecond=10) is None


def test_reader_cannot_poll(reader: Flowgate, new_id: str) -> None:
    with pytest.raises(FlowgateError) as forbidden:
        TaskQueues(reader).poll_activity(new_id)
    assert (forbidden.value.status, forbidden.value.code) == (403, "operation-forbidden")


def test_program_without_an_sdk_runs_an_activity(task_queues: TaskQueues, activities: Activities, new_id: str) -> None:
    retry_policy = {"maximumAttempts": 2, "initialInterval": "1s"}
    activities.start("External", new_id, new_id, {"amount": 1}, startToCloseTimeout="1h", retryPolicy=retry_policy)
    task = task_queues.poll_activity(new_id, wait="30s", identitySuffix="w-1")
    assert task
    assert (task["activityId"], task["activityType"], task["attempt"]) == (new_id, "External", 1)
    assert (task["args"], task["startToCloseTimeout"]) == ([{"amount": 1}], "3600s")
    assert activities.describe(new_id)["lastWorkerIdentity"] == "dev/w-1"
    activities.heartbeat(task, "half")
    activities.fail(task, "busy", nextRetryDelay="0.1s", lastHeartbeatDetails=["more"])
    again = task_queues.poll_activity(new_id, wait="30s")
    assert again
    assert (again["attempt"], again["heartbeatDetails"]) == (2, ["more"])
    assert activities.describe(new_id)["lastFailure"]["message"] == "busy"
    activities.complete(again, result="done")
    assert activities.result(new_id)["result"] == "done"


def test_versioned_poller_is_visible(task_queues: TaskQueues, new_id: str) -> None:
    version = {"deploymentName": new_id, "buildId": "1.0"}
    assert task_queues.poll_activity(new_id, wait="2s", **version) is None
    (queue,) = task_queues.describe(new_id, type="ACTIVITY")["types"]
    assert [poller["deploymentVersion"] for poller in queue["pollers"]] == [version]


def test_build_ids_are_added_promoted_and_merged(task_queues: TaskQueues, new_id: str) -> None:
    assert task_queues.build_ids(new_id) == {"versionSets": []}
    task_queues.update_build_ids(new_id, "addNewDefault", buildId="1.0")
    compatible = {"buildId": "1.1", "existingCompatibleBuildId": "1.0"}
    task_queues.update_build_ids(new_id, "addNewCompatible", **compatible, promoteSet=True)
    task_queues.update_build_ids(new_id, "addNewDefault", buildId="2.0")
    assert task_queues.build_ids(new_id, maxSets=1)["versionSets"] == [{"buildIds": ["2.0"], "default": "2.0"}]
    task_queues.update_build_ids(new_id, "promoteBuildIdWithinSet", buildId="1.0")
    task_queues.update_build_ids(new_id, "promoteSetByBuildId", buildId="1.1")
    assert task_queues.build_ids(new_id)["defaultBuildId"] == "1.0"
    open_workflows = {"taskQueues": [new_id], "reachabilityType": "OPEN_WORKFLOWS"}
    assert task_queues.reachability("1.0", **open_workflows)["1.0"]["taskQueueReachability"] == {
        new_id: ["NEW_WORKFLOWS"]
    }
    task_queues.update_build_ids(new_id, "mergeSets", primaryBuildId="2.0", secondaryBuildId="1.0")
    assert len(task_queues.build_ids(new_id)["versionSets"]) == 1
