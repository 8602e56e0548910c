// Starting workflows.
import assert from "node:assert/strict";
import test from "node:test";
import { unwrap, type Schemas } from "./flowgate.js";
import { describe, execute, flowgate, getLocation, namespace, newId, pathParams, problemOf, start, taskQueue, terminate, workflow, workflows } from "./setup.js";

const order = { orderId: "o-1", items: [{ sku: "book", quantity: 2, price: 1250 }] };

function startWait(workflowId: string, options: Partial<Schemas["StartWorkflowRequest"]> = {}, idempotencyKey?: string) {
  return flowgate.POST(workflows, {
    params: { path: { namespace }, header: idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey } },
    body: { workflowType: "Wait", workflowId, taskQueue, ...options },
  });
}

test("a start returns the location", async () => {
  const workflowId = newId();
  const { response, data } = await startWait(workflowId);
  assert.equal(response.status, 201);
  assert.ok(data && "started" in data && data.started);
  assert.equal(data.firstExecutionRunId, data.runId);
  const described = await getLocation<Schemas["WorkflowDescription"]>(response);
  assert.deepEqual([described.workflowId, described.runId, described.status], [workflowId, data.runId, "RUNNING"]);
  await terminate(workflowId);
});

test("a start with the id of a running workflow is a conflict", async () => {
  const { workflowId, runId } = await start("Wait");
  const conflict = await problemOf(startWait(workflowId));
  assert.deepEqual([conflict.response.status, conflict.code], [409, "workflow-already-started"]);
  assert.deepEqual([conflict.problem.workflowId, conflict.problem.runId], [workflowId, runId]);
  assert.equal(conflict.problem.retryable, false);
  await terminate(workflowId);
});

test("a start with USE_EXISTING returns the running workflow", async () => {
  const { workflowId, runId } = await start("Wait");
  const { response, data } = await startWait(workflowId, { idConflictPolicy: "USE_EXISTING" });
  assert.equal(response.status, 200);
  assert.ok(data && "started" in data);
  assert.deepEqual([data.started, data.runId], [false, runId]);
  await terminate(workflowId);
});

test("a start with an Idempotency-Key starts one run", async () => {
  const workflowId = newId();
  const first = unwrap(await startWait(workflowId, {}, `checkout-${workflowId}`));
  const again = unwrap(await startWait(workflowId, {}, `checkout-${workflowId}`));
  assert.equal(again.runId, first.runId);
  const conflict = await problemOf(startWait(workflowId, {}, `another-${workflowId}`));
  assert.equal(conflict.problem.runId, first.runId);
  await terminate(workflowId);
});

test("a start with wait returns the outcome", async () => {
  const outcome = await execute("Order", { args: [{ ...order, autoApprove: true }] });
  assert.equal(outcome.status, "COMPLETED");
  assert.deepEqual(outcome.result, { orderId: "o-1", status: "approved", total: 2500, approvedBy: "autoApprove" });
});

test("a start waits with the Prefer header", async () => {
  const { response, data } = await flowgate.POST(workflows, {
    params: { path: { namespace } },
    headers: { Prefer: "wait=30" },
    body: { workflowType: "Echo", workflowId: newId(), taskQueue, args: [1] },
  });
  assert.equal(response.status, 200);
  assert.ok(data && "result" in data);
  assert.deepEqual(data.result, [1]);
});

test("a start whose wait times out returns 202 and a location", async () => {
  const workflowId = newId();
  const { response, data } = await flowgate.POST(workflows, {
    params: { path: { namespace }, query: { wait: "100ms" } },
    body: { workflowType: "Wait", workflowId, taskQueue },
  });
  assert.equal(response.status, 202);
  await flowgate.POST(`${workflow}/signal`, { params: { path: pathParams(workflowId) }, body: { signal: "finish", args: ["done"] } });
  const outcome = await getLocation<Schemas["Outcome"]>(response, "&wait=30s");
  assert.deepEqual([outcome.runId, outcome.status, outcome.result], [data?.runId, "COMPLETED", "done"]);
});

test("a signal-with-start starts a workflow or signals the running one", async () => {
  const signal = { startSignal: "poke", startSignalArgs: [1] };
  const first = await start("Wait", signal);
  const second = unwrap(await startWait(first.workflowId, signal));
  assert.ok("started" in second);
  assert.deepEqual([first.started, second.started, second.runId], [true, false, first.runId]);
  const { data } = await flowgate.GET(`${workflow}/query`, { params: { path: pathParams(first.workflowId), query: { query: "signals" } } });
  assert.equal(data?.result, 2);
  assert.equal((await describe(first.workflowId)).status, "RUNNING");
  await terminate(first.workflowId);
});
