// Updates complete, are rejected, fail, or are not admitted.
import assert from "node:assert/strict";
import test from "node:test";
import { unwrap, type Schemas } from "./flowgate.js";
import { flowgate, getLocation, namespace, newId, pathParams, problemOf, reader, start, taskQueue, terminate, workflow, workflows } from "./setup.js";

const order = { orderId: "o-1", items: [{ sku: "pen", quantity: 1, price: 300 }] };
const item = (quantity: number, price: number) => ({ sku: "ink", quantity, price });

async function update(workflowId: string, body: Schemas["UpdateRequest"]): Promise<Schemas["WorkflowUpdate"]> {
  return unwrap(await flowgate.POST(`${workflow}/updates`, { params: { path: pathParams(workflowId) }, body }));
}

test("an update runs once and its outcome can be read", async () => {
  const { workflowId, runId } = await start("Order", { args: [order] });
  const body = { update: "addItem", args: [item(1, 900)], updateId: "a/b" };
  const first = await update(workflowId, body);
  const result = { items: 2, total: 1200 };
  assert.deepEqual(first, { workflowId, runId, updateId: "a/b", stage: "COMPLETED", status: "COMPLETED", result });
  assert.deepEqual(await update(workflowId, body), first);
  const path = { ...pathParams(workflowId), updateId: "a/b" };
  assert.deepEqual(unwrap(await reader.GET(`${workflow}/updates/{updateId}`, { params: { path, query: { runId } } })), first);
  const unknown = reader.GET(`${workflow}/updates/{updateId}`, { params: { path: { ...path, updateId: "other" } } });
  assert.equal((await problemOf(unknown)).code, "update-not-found");
  await terminate(workflowId);
});

test("an update is accepted before it completes", async () => {
  const { workflowId } = await start("Order", { args: [order] });
  const { data, response } = await flowgate.POST(`${workflow}/updates`, {
    params: { path: pathParams(workflowId), query: { wait: "30s" } },
    body: { update: "addItem", args: [item(1, 900)], waitForStage: "ACCEPTED" },
  });
  assert.ok(data !== undefined && ["ACCEPTED", "COMPLETED"].includes(data.stage));
  if (response.status === 202) {
    assert.equal((await getLocation<Schemas["WorkflowUpdate"]>(response, "&wait=30s")).status, "COMPLETED");
  }
  await terminate(workflowId);
});

test("rejected, failed and not admitted updates differ", async () => {
  const { workflowId } = await start("Order", { args: [order] });
  assert.equal((await update(workflowId, { update: "addItem", args: [item(0, 900)] })).status, "REJECTED");
  assert.equal((await update(workflowId, { update: "addItem", args: [item(1, 9_000_000)] })).status, "FAILED");
  await terminate(workflowId);
  const idle = { workflowType: "Order", workflowId: newId("idle"), taskQueue: "unpolled" };
  unwrap(await flowgate.POST(workflows, { params: { path: { namespace } }, body: idle }));
  const notAdmitted = await problemOf(
    flowgate.POST(`${workflow}/updates`, {
      params: { path: pathParams(idle.workflowId), query: { wait: "1s" } },
      body: { update: "addItem", args: [item(1, 1)] },
    }),
  );
  assert.deepEqual([notAdmitted.code, notAdmitted.problem.retryable], ["update-not-admitted", true]);
  assert.ok(notAdmitted.problem.updateId);
  await terminate(idle.workflowId);
});

test("an update-with-start starts a workflow or updates the running one", async () => {
  const workflowId = newId("Wait");
  const body: Schemas["UpdateWithStartRequest"] = {
    start: { workflowType: "Wait", workflowId, taskQueue, idConflictPolicy: "USE_EXISTING" },
    update: { update: "echo", args: [{ a: [1, null] }] },
  };
  const updateWithStart = async () => unwrap(await flowgate.POST(`${workflows}:updateWithStart`, { params: { path: { namespace } }, body }));
  const first = await updateWithStart();
  assert.deepEqual([first.start.started, first.update.result], [true, { a: [1, null] }]);
  const second = await updateWithStart();
  assert.deepEqual([second.start.started, second.start.runId], [false, first.start.runId]);
  await terminate(workflowId);
});
