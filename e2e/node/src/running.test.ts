// Operations on a running workflow: describe, signal, query, cancel and terminate.
import assert from "node:assert/strict";
import test from "node:test";
import { waitForOutcome, unwrap, type Schemas } from "./flowgate.js";
import { describe, flowgate, namespace, pathParams, problemOf, reader, start, taskQueue, terminate, workflow } from "./setup.js";

const items = [{ sku: "pen", quantity: 1, price: 300 }];
const order = { orderId: "o-1", items };

function signal(workflowId: string, signal: string, args: Schemas["JSON"][] = [], idempotencyKey?: string) {
  const header = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
  return flowgate.POST(`${workflow}/signal`, { params: { path: pathParams(workflowId), header }, body: { signal, args } });
}

async function query(workflowId: string, query: string, ...args: Schemas["JSON"][]): Promise<unknown> {
  return unwrap(await reader.POST(`${workflow}/query`, { params: { path: pathParams(workflowId) }, body: { query, args } })).result;
}

test("describe returns a run", async () => {
  const { workflowId, runId } = await start("Wait", {
    runTimeout: "1h30m",
    memo: { channel: "web" },
    searchAttributes: { CustomerId: "c-1" },
    staticSummary: "An order",
    priority: { priorityKey: 2 },
  });
  const described = unwrap(await reader.GET(workflow, { params: { path: pathParams(workflowId), query: { runId } } }));
  assert.deepEqual([described.workflowType, described.taskQueue, described.status], ["Wait", taskQueue, "RUNNING"]);
  assert.deepEqual([described.runTimeout, described.staticSummary], ["5400s", "An order"]);
  assert.deepEqual([described.memo, described.priority], [{ channel: "web" }, { priorityKey: 2 }]);
  assert.deepEqual(described.searchAttributes?.["CustomerId"], { type: "Keyword", value: "c-1" });
  await terminate(workflowId);
});

test("metadata has the handlers", async () => {
  const { workflowId } = await start("Order", { args: [order] });
  const { currentDetails, definition } = unwrap(await flowgate.GET(`${workflow}/metadata`, { params: { path: pathParams(workflowId) } }));
  assert.match(currentDetails ?? "", /^Order \*\*o-1\*\* is /);
  const names = (handlers: Schemas["WorkflowHandler"][] = []) => handlers.map((handler) => handler.name);
  assert.ok(["approve", "reject", "amend"].every((name) => names(definition?.signals).includes(name)));
  assert.ok(["status", "items"].every((name) => names(definition?.queries).includes(name)));
  assert.ok(["addItem", "setAddress"].every((name) => names(definition?.updates).includes(name)));
  await terminate(workflowId);
});

test("an order is queried and approved", async () => {
  const { workflowId, runId } = await start("Order", { args: [order] });
  const byName = await reader.GET(`${workflow}/query`, { params: { path: pathParams(workflowId), query: { query: "items" } } });
  assert.deepEqual(byName.data?.result, items);
  assert.deepEqual(await query(workflowId, "items"), items);
  const { response } = await signal(workflowId, "approve", [{ by: "ann" }]);
  assert.equal(response.status, 204);
  const outcome = await waitForOutcome(flowgate, namespace, workflowId, runId);
  assert.deepEqual(outcome.result, { orderId: "o-1", status: "approved", total: 300, approvedBy: "ann" });
});

test("a query takes arguments", async () => {
  const { workflowId } = await start("Wait");
  assert.deepEqual(await query(workflowId, "echo", { a: [1, null] }), { a: [1, null] });
  await terminate(workflowId);
});

test("a query of a closed workflow can be rejected", async () => {
  const { workflowId, runId } = await start("Wait");
  await signal(workflowId, "finish", [1]);
  await waitForOutcome(flowgate, namespace, workflowId, runId);
  assert.equal(await query(workflowId, "state"), "finished");
  const path = pathParams(workflowId);
  for (const rejected of [
    await problemOf(flowgate.POST(`${workflow}/query`, { params: { path }, body: { query: "state", rejectCondition: "NOT_OPEN" } })),
    await problemOf(flowgate.GET(`${workflow}/query`, { params: { path, query: { query: "state", rejectCondition: "NOT_OPEN" } } })),
  ]) {
    assert.deepEqual([rejected.response.status, rejected.code, rejected.problem.workflowStatus], [409, "query-rejected", "COMPLETED"]);
  }
});

test("a signal with an Idempotency-Key is recorded once", async () => {
  const { workflowId } = await start("Wait");
  for (const idempotencyKey of ["first", "first", "second"]) unwrap(await signal(workflowId, "poke", [], idempotencyKey));
  assert.equal(await query(workflowId, "signals"), 2);
  await terminate(workflowId);
});

test("a cancelled order has the status CANCELED", async () => {
  const { workflowId, runId } = await start("Order", { args: [order] });
  const params = { path: pathParams(workflowId), query: { firstExecutionRunId: runId } };
  unwrap(await flowgate.POST(`${workflow}/cancel`, { params, body: { reason: "the customer withdrew it" } }));
  const outcome = await waitForOutcome(flowgate, namespace, workflowId, runId);
  assert.deepEqual([outcome.status, outcome.failure?.kind], ["CANCELED", "canceled"]);
  const closed = await problemOf(signal(workflowId, "approve"));
  assert.deepEqual([closed.response.status, closed.code], [409, "workflow-completed"]);
});

test("a cancel needs no body", async () => {
  const { workflowId, runId } = await start("Sleep", { args: [{ seconds: 3600 }] });
  unwrap(await flowgate.POST(`${workflow}/cancel`, { params: { path: pathParams(workflowId) } }));
  assert.equal((await waitForOutcome(flowgate, namespace, workflowId, runId)).status, "CANCELED");
});

test("a cancel of another run chain is rejected", async () => {
  const { workflowId } = await start("Wait");
  const params = { path: pathParams(workflowId), query: { firstExecutionRunId: "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01" } };
  const mismatch = await problemOf(flowgate.POST(`${workflow}/cancel`, { params }));
  assert.deepEqual([mismatch.response.status, mismatch.code], [409, "run-chain-mismatch"]);
  assert.ok(!("cancelRequested" in (await describe(workflowId))));
  await terminate(workflowId);
});

test("a termination keeps its reason and details", async () => {
  const { workflowId, runId } = await start("Wait");
  const params = { path: pathParams(workflowId), query: { runId } };
  unwrap(await flowgate.POST(`${workflow}/terminate`, { params, body: { reason: "stuck", details: [{ ticket: "OPS-311" }, 7] } }));
  const { status, failure } = await waitForOutcome(flowgate, namespace, workflowId, runId);
  assert.deepEqual([status, failure?.kind, failure?.message], ["TERMINATED", "terminated", "stuck"]);
  assert.deepEqual(failure?.details, [{ ticket: "OPS-311" }, 7]);
});
