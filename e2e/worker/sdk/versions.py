"""Patches, and a deployment of workers in two versions."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import RetryPolicy, VersioningBehavior, WorkerDeploymentVersion
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities import LONG_TIMEOUT


@workflow.defn
class Patched:
    """Uses the new code path of a patch."""

    @workflow.run
    async def run(self) -> str:
        return "new way" if workflow.patched("a-better-way") else "old way"


@workflow.defn
class Deprecated:
    """Has only the new code path of a deprecated patch."""

    @workflow.run
    async def run(self) -> str:
        workflow.deprecate_patch("a-better-way")
        return "new way"


class UntilFinished:
    """The base of workflows that wait for the signal finish. It returns the version that runs the workflow."""

    def __init__(self) -> None:
        self.finished = False

    async def wait_for_finish(self) -> str:
        await workflow.wait_condition(lambda: self.finished)
        version = workflow.info().get_current_deployment_version()
        return version.build_id if version else "none"

    @workflow.signal
    def finish(self) -> None:
        self.finished = True


@workflow.defn(versioning_behavior=VersioningBehavior.PINNED)
class Pinned(UntilFinished):
    """Stays on the version that started it."""

    @workflow.run
    async def run(self) -> str:
        return await self.wait_for_finish()


@workflow.defn(versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class Upgrading(UntilFinished):
    """Moves to the current version."""

    @workflow.run
    async def run(self) -> str:
        return await self.wait_for_finish()


@workflow.defn
class ByDefault(UntilFinished):
    """Does not set a versioning behaviour, so that the default of its worker applies."""

    @workflow.run
    async def run(self) -> str:
        return await self.wait_for_finish()


@workflow.defn(name="Improved", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class BeforePatch(UntilFinished):
    """The code of version 1, without the patch."""

    @workflow.run
    async def run(self) -> str:
        await self.wait_for_finish()
        return "old way"


@workflow.defn(name="Improved", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AfterPatch(UntilFinished):
    """The code of version 2, with the patch. Workflows that started before the patch take the old code path."""

    @workflow.run
    async def run(self) -> str:
        patched = workflow.patched("improved")
        await self.wait_for_finish()
        return "new way" if patched else "old way, in the new version"


@activity.defn
async def deploy(build_id: str) -> None:
    """Sets the current version, and succeeds when it has reached all task queues. Until then it fails."""
    client, deployment = activity.client(), activity.info().task_queue
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace, deployment_name=deployment, build_id=build_id
        )
    )
    described = await client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    )
    state = described.worker_deployment_info.routing_config_update_state
    if state == RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS:
        raise ApplicationError("the version has not reached all task queues")


@workflow.defn
class Deploy:
    """Sets the current version of the deployment."""

    @workflow.run
    async def run(self, build_id: str) -> None:
        await workflow.execute_activity(
            deploy,
            build_id,
            start_to_close_timeout=LONG_TIMEOUT,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), backoff_coefficient=1),
        )


def workers(client: Client, task_queue: str) -> list[Worker]:
    """The workers of the deployment. The deployment has the name of the task queue, but they poll another queue."""
    return [
        Worker(
            client,
            task_queue=f"{task_queue}-versions",
            workflows=[Pinned, Upgrading, ByDefault, improved],
            deployment_config=WorkerDeploymentConfig(
                version=WorkerDeploymentVersion(deployment_name=task_queue, build_id=build_id),
                use_worker_versioning=True,
                default_versioning_behavior=VersioningBehavior.PINNED,
            ),
        )
        for build_id, improved in (("1", BeforePatch), ("2", AfterPatch))
    ]


WORKFLOWS = [Patched, Deprecated, Deploy]
ACTIVITIES = [deploy]
