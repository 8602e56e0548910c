"""Listing and counting workflows."""

from collections.abc import Callable

import pytest

from flowgate import Flowgate

# U+2028 does not end a line of NDJSON, although many line readers split at it.
NOTE = "one\u2028line"

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def five_workflows(flowgate: Flowgate, task_queue: str, new_id: str, eventually: Eventually) -> tuple[str, set[str]]:
    """Five workflows of one customer, two of them running, and the query that matches them."""
    ids = {f"{new_id}-{i}" for i in range(5)}
    for i, workflow_id in enumerate(sorted(ids)):
        customer = {"CustomerId": {"type": "Keyword", "value": new_id}}
        flowgate.start("Wait", workflow_id, task_queue, searchAttributes=customer, memo={"number": i, "note": NOTE})
        if i >= 2:
            flowgate.terminate(workflow_id)
    query = f"CustomerId = '{new_id}'"
    eventually(lambda: flowgate.count(query + " AND ExecutionStatus = 'Terminated'")["count"] == 3)
    eventually(lambda: flowgate.count(query)["count"] == 5)
    return query, ids


def test_filter_parameters_select_workflows(
    flowgate: Flowgate, five_workflows: tuple[str, set[str]], new_id: str
) -> None:
    _, ids = five_workflows
    customer = {"searchAttribute.CustomerId": new_id}
    for status, listed in ((["RUNNING"], 2), (["TERMINATED", "RUNNING"], 5), (["FAILED"], 0)):
        page = flowgate.get(flowgate.workflows(), workflowType="Wait", status=status, **customer)
        assert len(page["workflows"]) == listed
        assert {workflow["workflowId"] for workflow in page["workflows"]} <= ids


def test_list_pages_have_each_workflow_once(flowgate: Flowgate, five_workflows: tuple[str, set[str]]) -> None:
    query, ids = five_workflows
    page = flowgate.get(flowgate.workflows(), query=query, pageSize=2)
    assert len(page["workflows"]) == 2
    assert page["nextPageToken"]

    listed = list(flowgate.list(query, pageSize=2))
    assert len(listed) == 5
    assert {workflow["workflowId"] for workflow in listed} == ids
    assert sorted(workflow["memo"]["number"] for workflow in listed) == [0, 1, 2, 3, 4]


def test_stream_has_one_workflow_per_line(flowgate: Flowgate, five_workflows: tuple[str, set[str]]) -> None:
    query, ids = five_workflows
    streamed = list(flowgate.stream(query, pageSize=2))
    assert len(streamed) == 5
    assert {workflow["workflowId"] for workflow in streamed} == ids
    assert {workflow["memo"]["note"] for workflow in streamed} == {NOTE}
    assert len(list(flowgate.stream(query, limit=3))) == 3


def test_count_with_group_by_has_each_group(flowgate: Flowgate, five_workflows: tuple[str, set[str]]) -> None:
    query, _ = five_workflows
    count = flowgate.count(query + " GROUP BY ExecutionStatus")
    assert count["count"] == 5
    groups = {group["values"][0]: group["count"] for group in count["groups"]}
    assert groups == {"Running": 2, "Terminated": 3}
