"""Operations for operators: reset, pause, change of options and deletion, of one workflow or of a batch."""

from collections.abc import Callable

import pytest

from flowgate import Flowgate, FlowgateError

Eventually = Callable[[Callable[[], bool]], None]


def test_reset_returns_to_the_first_task(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    started = flowgate.start("Wait", new_id, task_queue)
    assert flowgate.query(new_id, "signals") == 0
    flowgate.signal(new_id, "poke")
    run_id = flowgate.reset(new_id, started.run_id, resetType="FIRST_WORKFLOW_TASK", reapplyExclude=["SIGNAL"])
    assert run_id != started.run_id
    assert flowgate.result(new_id, runId=started.run_id).status == "TERMINATED"
    assert flowgate.query(new_id, "signals") == 0
    flowgate.terminate(new_id)


def test_paused_workflow_does_not_run(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    for _ in range(2):
        flowgate.pause(new_id, "the bank is down", idempotency_key="once")
    assert flowgate.describe(new_id)["pause"]["reason"] == "the bank is down"
    flowgate.signal(new_id, "finish", 1)
    assert flowgate.result(new_id, wait=None).pending
    flowgate.unpause(new_id)
    assert flowgate.result(new_id).result == 1
    with pytest.raises(FlowgateError) as closed:
        flowgate.unpause(new_id)
    assert (closed.value.status, closed.value.code) == (409, "workflow-completed")


def test_options_are_changed_and_removed(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    override = {"behavior": "AUTO_UPGRADE"}
    effective = flowgate.update_options(new_id, priority={"priorityKey": 1}, versioningOverride=override)
    assert effective == {"priority": {"priorityKey": 1}, "versioningOverride": override}
    assert flowgate.update_options(new_id, versioningOverride=None) == {"priority": {"priorityKey": 1}}
    flowgate.terminate(new_id)


def test_deleted_workflow_is_not_found(flowgate: Flowgate, new_id: str, eventually: Eventually) -> None:
    flowgate.start("Unpolled", new_id, "unpolled-" + new_id)
    flowgate.delete(new_id)

    def gone() -> bool:
        try:
            flowgate.describe(new_id)
        except FlowgateError as error:
            return error.code == "workflow-not-found"
        return False

    eventually(gone)


def test_batch_cancels_the_matches_of_a_query(
    flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str, eventually: Eventually
) -> None:
    ids = [f"{new_id}-{i}" for i in range(2)]
    for workflow_id in ids:
        flowgate.start("Sleep", workflow_id, task_queue, {"seconds": 3600}, searchAttributes={"CustomerId": new_id})
    query = f'CustomerId = "{new_id}"'
    eventually(lambda: flowgate.count_batch({"cancel": {}}, query=query) == 2)
    job_id = flowgate.start_batch({"cancel": {}}, query=query, reason="left", idempotency_key=new_id)
    assert flowgate.start_batch({"cancel": {}}, query=query, reason="left", idempotency_key=new_id) == job_id
    eventually(lambda: bool(reader.describe_batch(job_id)["state"] == "COMPLETED"))
    assert reader.describe_batch(job_id)["progress"] == {"total": 2, "completed": 2, "failed": 0}
    assert {flowgate.result(workflow_id).status for workflow_id in ids} == {"CANCELED"}
    eventually(lambda: job_id in {job["jobId"] for job in reader.list_batches()})
    with pytest.raises(FlowgateError) as ended:
        flowgate.stop_batch(job_id, "too late")
    assert (ended.value.status, ended.value.code) == (409, "conflict")
