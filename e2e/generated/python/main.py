"""A service in Python, with a generated client: starts an order and waits for its result."""

import os
import uuid

from flowgate_client import AuthenticatedClient
from flowgate_client.api.workflow import get_workflow_result
from flowgate_client.api.workflows import start_workflow
from flowgate_client.models import Outcome, StartedWorkflow, StartWorkflowRequest

namespace = os.environ["FLOWGATE_NAMESPACE"]
workflow_id = f"python-{uuid.uuid4()}"
item = {"sku": "book", "quantity": 2, "price": 1250}
order = StartWorkflowRequest(
    workflow_type="Order",
    workflow_id=workflow_id,
    task_queue=os.environ["FLOWGATE_TASK_QUEUE"],
    args=[{"orderId": workflow_id, "items": [item], "autoApprove": True}],
)

with AuthenticatedClient(base_url=os.environ["FLOWGATE_URL"], token=os.environ["FLOWGATE_KEY"]) as client:
    started = start_workflow.sync(namespace, client=client, body=order)
    assert isinstance(started, StartedWorkflow), started
    outcome = get_workflow_result.sync(namespace, workflow_id, client=client, run_id=started.run_id, wait="30s")
    assert isinstance(outcome, Outcome), outcome
    assert isinstance(outcome.result, dict), outcome
    assert (outcome.status, outcome.result["total"]) == ("COMPLETED", 2500), outcome
