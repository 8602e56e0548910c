"""Workflow ids can have any character, and different strings are different ids."""

import pytest

from flowgate import Flowgate, loads

SUFFIXES = ["a/b", "a%2Fb", "a%252Fb", "a b", "a+b", "ü?#&=;"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_id_works_in_the_path_and_in_a_query_parameter(
    flowgate: Flowgate, task_queue: str, new_id: str, suffix: str
) -> None:
    workflow_id = f"{new_id}/{suffix}"
    started = flowgate.start("Wait", workflow_id, task_queue)
    for described in (
        flowgate.describe(workflow_id),
        flowgate.get(flowgate.workflows() + "/-", workflowId=workflow_id),
        loads(flowgate.send("GET", started.location).text),
    ):
        assert (described["workflowId"], described["runId"]) == (workflow_id, started.run_id)
    flowgate.terminate(workflow_id)


@pytest.mark.parametrize("workflow_id", [".", "..", "-"])
def test_id_that_urls_normalise_works_in_a_query_parameter(
    flowgate: Flowgate, task_queue: str, workflow_id: str
) -> None:
    started = flowgate.start("Wait", workflow_id, task_queue, idConflictPolicy="TERMINATE_EXISTING")
    assert loads(flowgate.send("GET", started.location).text)["runId"] == started.run_id

    assert flowgate.describe(workflow_id)["runId"] == started.run_id
    assert flowgate.query_by_name(workflow_id, "state") == "waiting"
    assert flowgate.query(workflow_id, "echo", 1) == 1
    assert flowgate.metadata(workflow_id)["definition"]["type"] == "Wait"
    flowgate.signal(workflow_id, "finish", workflow_id)
    outcome = flowgate.result(workflow_id)
    assert (outcome.run_id, outcome.result) == (started.run_id, workflow_id)
