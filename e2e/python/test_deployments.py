"""Worker deployments: a version is current or ramping, has metadata, and is deleted."""

from collections.abc import Callable

import pytest

from deployments import Deployments
from flowgate import FlowgateError, Object

Eventually = Callable[[Callable[[], bool]], None]

# No worker of these versions exists.
WITHOUT_WORKERS: Object = {"allowNoPollers": True, "ignoreMissingTaskQueues": True}


@pytest.fixture
def deployment(deployments: Deployments, new_id: str) -> str:
    """A deployment with the current version 1.0."""
    deployments.set_current_version(new_id, "1.0", **WITHOUT_WORKERS)
    return new_id


def test_workflows_are_routed_to_a_version(deployments: Deployments, deployment: str) -> None:
    before = deployments.describe(deployment)
    assert before.body["routingConfig"]["currentVersion"] == {"deploymentName": deployment, "buildId": "1.0"}
    ramping = deployments.set_ramping_version(deployment, "2.0", 12.5, before.etag, **WITHOUT_WORKERS)
    routing = deployments.describe(deployment).body["routingConfig"]
    assert routing["rampingVersion"] == {"deploymentName": deployment, "buildId": "2.0"}
    assert routing["rampingVersionPercentage"] == 12.5
    with pytest.raises(FlowgateError) as lost:
        deployments.set_current_version(deployment, "2.0", before.etag, **WITHOUT_WORKERS)
    assert (lost.value.status, lost.value.code) == (412, "deployment-changed")
    deployments.set_current_version(deployment, "2.0", ramping, **WITHOUT_WORKERS)
    after = deployments.describe(deployment).body
    assert after["routingConfig"]["currentVersion"]["buildId"] == "2.0"
    assert "rampingVersion" not in after["routingConfig"]
    assert after["lastModifierIdentity"] == "dev"


def test_only_the_manager_changes_a_deployment(deployments: Deployments, deployment: str) -> None:
    deployments.set_manager(deployment, "pipeline")
    described = deployments.describe(deployment)
    assert described.body["managerIdentity"] == "pipeline"
    with pytest.raises(FlowgateError) as managed:
        deployments.set_ramping_version(deployment, "2.0", 1, **WITHOUT_WORKERS)
    assert (managed.value.status, managed.value.code) == (409, "conflict")
    deployments.set_manager(deployment, None, described.etag)
    assert "managerIdentity" not in deployments.describe(deployment).body


def test_version_has_metadata(deployments: Deployments, deployment: str) -> None:
    entries = {"commit": "5f0e7c3a", "build": 12345678901234567890}
    assert deployments.update_metadata(deployment, "1.0", upsertEntries=entries) == {"metadata": entries}
    version = deployments.describe_version(deployment, "1.0", reportTaskQueueStats="true")
    assert (version["buildId"], version["metadata"], version["taskQueues"]) == ("1.0", entries, [])
    left = deployments.update_metadata(deployment, "1.0", removeEntries=["build"])
    assert left == {"metadata": {"commit": "5f0e7c3a"}}


def test_deployment_is_listed_and_deleted(deployments: Deployments, deployment: str, eventually: Eventually) -> None:
    eventually(lambda: deployment in {listed["name"] for listed in deployments.list(pageSize=2)})
    assert deployment in {listed["name"] for listed in deployments.stream()}
    with pytest.raises(FlowgateError) as current:
        deployments.delete_version(deployment, "1.0")
    assert (current.value.status, current.value.code) == (409, "conflict")
    deployments.set_current_version(deployment, None, **WITHOUT_WORKERS)
    deployments.delete_version(deployment, "1.0", skipDrainage="true")

    def gone(read: Callable[[], object]) -> bool:
        try:
            read()
        except FlowgateError as error:
            return error.code == "deployment-not-found"
        return False

    eventually(lambda: gone(lambda: deployments.describe_version(deployment, "1.0")))
    deployments.delete(deployment)
    eventually(lambda: gone(lambda: deployments.describe(deployment)))
