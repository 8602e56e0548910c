"""Errors are problem documents that programs can handle."""

import uuid

import pytest

from flowgate import Flowgate, FlowgateError


def test_request_without_a_key_receives_a_challenge(anonymous: Flowgate) -> None:
    with pytest.raises(FlowgateError) as problem:
        anonymous.count("")
    assert (problem.value.status, problem.value.code) == (401, "unauthenticated")
    assert problem.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_key_is_rejected(anonymous: Flowgate) -> None:
    with pytest.raises(FlowgateError) as problem:
        anonymous.send("GET", "/v1/system-info", headers={"X-API-Key": "fg_dev_wrong"})
    assert (problem.value.status, problem.value.code) == (401, "invalid-credential")


def test_reader_cannot_write(flowgate: Flowgate, reader: Flowgate, task_queue: str, new_id: str) -> None:
    with pytest.raises(FlowgateError) as problem:
        reader.start("Wait", new_id, task_queue)
    assert (problem.value.status, problem.value.code) == (403, "operation-forbidden")
    with pytest.raises(FlowgateError) as missing:
        flowgate.describe(new_id)
    assert (missing.value.status, missing.value.code) == (404, "workflow-not-found")
    assert missing.value.problem["workflowId"] == new_id


def test_namespace_without_a_grant_is_forbidden(flowgate: Flowgate) -> None:
    with pytest.raises(FlowgateError) as problem:
        flowgate.get("/v1/namespaces/elsewhere/client")
    assert (problem.value.status, problem.value.code) == (403, "namespace-forbidden")


def test_unknown_field_has_a_pointer(flowgate: Flowgate, new_id: str) -> None:
    with pytest.raises(FlowgateError) as problem:
        flowgate.send(
            "POST", flowgate.workflows(), {"workflowType": "Wait", "workflowId": new_id, "taskQueu": "orders"}
        )
    assert (problem.value.status, problem.value.code) == (400, "unknown-field")
    assert [error["pointer"] for error in problem.value.problem["errors"]] == ["/taskQueu"]
    assert not problem.value.retryable


def test_unknown_query_is_not_found(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    with pytest.raises(FlowgateError) as problem:
        flowgate.query_by_name(new_id, "stat")
    assert (problem.value.status, problem.value.code) == (404, "query-not-found")
    assert "state" in problem.value.problem["detail"]
    flowgate.terminate(new_id)


def test_unknown_route_returns_a_problem_document(flowgate: Flowgate) -> None:
    with pytest.raises(FlowgateError) as problem:
        flowgate.get("/v1/nowhere")
    assert (problem.value.status, problem.value.code) == (404, "route-not-found")


def test_request_timeout_limits_a_query_without_a_worker(flowgate: Flowgate, new_id: str) -> None:
    flowgate.start("Unpolled", new_id, "unpolled-" + str(uuid.uuid4()))
    path, _ = flowgate.workflow(new_id, "/query")
    with pytest.raises(FlowgateError) as problem:
        flowgate.send("GET", path, params={"query": "state"}, headers={"Request-Timeout": "1s"})
    assert (problem.value.status, problem.value.code) == (504, "query-timeout")
    assert problem.value.retryable
    flowgate.terminate(new_id)
