"""Delegated tokens, which permit only the named operations on one workflow."""

import pytest

from flowgate import Flowgate, FlowgateError

ITEMS = [{"sku": "pen", "quantity": 1, "price": 300}]


def test_an_approval_is_delegated(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Order", new_id, task_queue, {"orderId": "o-1", "items": ITEMS})
    token = flowgate.token(new_id, read=True, signals=["approve"], ttl="5m")
    delegate = Flowgate(flowgate.http, token, flowgate.namespace)
    assert delegate.describe(new_id)["status"] == "RUNNING"
    with pytest.raises(FlowgateError) as forbidden:
        delegate.signal(new_id, "reject", "no")
    assert (forbidden.value.status, forbidden.value.code) == (403, "operation-forbidden")
    delegate.signal(new_id, "approve", {"by": "ann"})
    assert delegate.result(new_id).result["approvedBy"] == "ann"


def test_a_changed_token_is_rejected(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Wait", new_id, task_queue)
    token = flowgate.token(new_id, read=True)
    changed = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    with pytest.raises(FlowgateError) as rejected:
        Flowgate(flowgate.http, changed, flowgate.namespace).describe(new_id)
    assert (rejected.value.status, rejected.value.code) == (401, "invalid-token")
    flowgate.terminate(new_id)
