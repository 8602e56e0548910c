"""Patches and worker versions: which version runs a workflow, and which version continues it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowgate import Flowgate, Object
from observe import attributes_of_only, eventually

Deploy = Callable[[str], Object]


@pytest.fixture
def versions_queue(task_queue: str) -> str:
    """The task queue of the workers of the deployment."""
    return f"{task_queue}-versions"


@pytest.fixture
def deploy(flowgate: Flowgate, task_queue: str, new_id: str) -> Deploy:
    """Sets the current version of the deployment. Returns the version in the form of a description."""

    def make_current(build_id: str) -> Object:
        deployed = flowgate.execute("Deploy", f"{new_id}-deploy-{build_id}", task_queue, build_id)
        assert deployed.status == "COMPLETED", deployed.text
        return version(task_queue, build_id)

    return make_current


def version(deployment: str, build_id: str) -> Object:
    return {"deploymentName": deployment, "buildId": build_id}


def versioning(flowgate: Flowgate, workflow_id: str) -> Object:
    """Waits for the first workflow task to complete, and returns the versioning of the workflow."""

    def read() -> Object:
        description = flowgate.describe(workflow_id)
        found: Object = {} if "pendingWorkflowTask" in description else description["versioning"]
        return found

    return eventually(read)


@pytest.mark.parametrize("workflow_type", ["Patched", "Deprecated"])
def test_patch_is_a_marker_and_a_search_attribute(
    flowgate: Flowgate, task_queue: str, new_id: str, workflow_type: str
) -> None:
    assert flowgate.execute(workflow_type, new_id, task_queue).result == "new way"
    marker = attributes_of_only(flowgate, new_id, "markerRecorded")
    assert marker["markerName"] == "core_patch"
    assert marker["details"] == {"patch-data": [{"id": "a-better-way", "deprecated": workflow_type == "Deprecated"}]}
    changes = flowgate.describe(new_id)["searchAttributes"]["TemporalChangeVersion"]
    assert changes == {"type": "KeywordList", "value": ["a-better-way"]}
    query = f"WorkflowId = '{new_id}' AND TemporalChangeVersion = 'a-better-way'"
    assert eventually(lambda: list(flowgate.list(query)))[0]["workflowId"] == new_id


def test_pinned_workflow_stays_on_its_version(
    flowgate: Flowgate, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    first = deploy("1")
    flowgate.start("Pinned", new_id, versions_queue)
    described = versioning(flowgate, new_id)
    assert (described["behavior"], described["deploymentVersion"]) == ("PINNED", first)
    deploy("2")
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "1"


def test_workflow_moves_to_the_current_version(
    flowgate: Flowgate, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    first = deploy("1")
    flowgate.start("Upgrading", new_id, versions_queue)
    described = versioning(flowgate, new_id)
    assert (described["behavior"], described["deploymentVersion"]) == ("AUTO_UPGRADE", first)
    second = deploy("2")
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "2"
    assert flowgate.describe(new_id)["versioning"]["deploymentVersion"] == second


def test_worker_sets_the_versioning_of_its_workflows(
    flowgate: Flowgate, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    deploy("1")
    flowgate.start("ByDefault", new_id, versions_queue)
    assert versioning(flowgate, new_id)["behavior"] == "PINNED"
    flowgate.terminate(new_id)


def test_unversioned_workflow_has_no_version(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.execute("Patched", new_id, task_queue)
    assert "versioning" not in flowgate.describe(new_id)


def test_new_version_continues_the_old_code_path(
    flowgate: Flowgate, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    deploy("1")
    flowgate.start("Improved", f"{new_id}-old", versions_queue)
    versioning(flowgate, f"{new_id}-old")
    deploy("2")
    flowgate.start("Improved", new_id, versions_queue)
    for workflow_id, way in ((f"{new_id}-old", "old way, in the new version"), (new_id, "new way")):
        flowgate.signal(workflow_id, "finish")
        assert flowgate.result(workflow_id).result == way


def test_workflow_is_started_on_a_version(
    flowgate: Flowgate, task_queue: str, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    """It starts on version 2 although version 1 is current."""
    deploy("1")
    pinned = {"behavior": "PINNED", "pinnedVersion": version(task_queue, "2")}
    flowgate.start("Upgrading", new_id, versions_queue, versioningOverride=pinned)
    described = versioning(flowgate, new_id)
    assert (described["override"], described["behavior"]) == (pinned, "AUTO_UPGRADE")
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "2"
    assert attributes_of_only(flowgate, new_id, "workflowExecutionStarted")["versioningOverride"]


def test_workflow_is_started_with_auto_upgrade(
    flowgate: Flowgate, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    """It moves to version 2 although its worker pins it to version 1."""
    deploy("1")
    upgrading = {"behavior": "AUTO_UPGRADE"}
    flowgate.start("Pinned", new_id, versions_queue, versioningOverride=upgrading)
    assert versioning(flowgate, new_id)["override"] == upgrading
    deploy("2")
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "2"


def test_running_workflow_is_moved_to_a_version(
    flowgate: Flowgate, task_queue: str, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    deploy("1")
    flowgate.start("Pinned", new_id, versions_queue)
    versioning(flowgate, new_id)
    pinned = {"behavior": "PINNED", "pinnedVersion": version(task_queue, "2")}
    assert flowgate.update_options(new_id, versioningOverride=pinned) == {"versioningOverride": pinned}
    assert flowgate.describe(new_id)["versioning"]["override"] == pinned
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "2"
    updated = attributes_of_only(flowgate, new_id, "workflowExecutionOptionsUpdated")
    assert updated["versioningOverride"]


def test_override_is_removed(
    flowgate: Flowgate, task_queue: str, versions_queue: str, new_id: str, deploy: Deploy
) -> None:
    deploy("1")
    pinned = {"behavior": "PINNED", "pinnedVersion": version(task_queue, "2")}
    flowgate.start("Upgrading", new_id, versions_queue, versioningOverride=pinned)
    versioning(flowgate, new_id)
    flowgate.update_options(new_id, versioningOverride=None)
    assert "override" not in versioning(flowgate, new_id)
    flowgate.signal(new_id, "finish")
    assert flowgate.result(new_id).result == "1"
