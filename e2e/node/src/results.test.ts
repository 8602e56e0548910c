// The outcomes of workflows. A failure is data, not an HTTP error.
import assert from "node:assert/strict";
import test from "node:test";
import { waitForOutcome, unwrap, type Schemas } from "./flowgate.js";
import { execute, flowgate, getLocation, namespace, pathParams, reader, start, workflow } from "./setup.js";

const result = `${workflow}/result` as const;

test("a completed workflow has a result", async () => {
  const { workflowId, runId } = await start("Echo", { args: [{ price: 1.5 }] });
  const outcome = await waitForOutcome(reader, namespace, workflowId, runId);
  assert.deepEqual([outcome.status, outcome.result], ["COMPLETED", [{ price: 1.5 }]]);
  assert.ok(!("failure" in outcome));
});

test("a failure has the chain of its causes", async () => {
  const { status, failure } = await execute("Fail", { args: [{ message: "no stock" }] });
  assert.equal(status, "FAILED");
  const chain: unknown[] = [];
  for (let link = failure; link !== undefined; link = link.cause) chain.push([link.kind, link.type]);
  assert.deepEqual(chain, [["application", "SampleFailure"], ["application", "Middle"], ["application", "Root"]]);
  assert.deepEqual([failure?.message, failure?.details], ["no stock", [{ attempt: 1 }, "a second detail"]]);
});

test("a failed activity has its cause", async () => {
  const order = { orderId: "o-1", card: "declined", items: [{ sku: "car", quantity: 1, price: 900000 }] };
  const { failure } = await execute("Order", { args: [order] });
  assert.deepEqual([failure?.kind, failure?.activityType], ["activity", "charge"]);
  assert.deepEqual([failure?.cause?.type, failure?.cause?.nonRetryable], ["PaymentDeclined", true]);
  assert.deepEqual(failure?.cause?.details, [{ orderId: "o-1", amount: 900000, reason: "the bank declined the card" }]);
});

test("a failure has the requested status", async () => {
  const { started, ...failed } = await execute("Fail", { args: [{}] });
  assert.ok(started);
  const withStatus = await flowgate.GET(result, { params: { path: pathParams(failed.workflowId), query: { failureStatus: 422 } } });
  assert.equal(withStatus.response.status, 422);
  assert.deepEqual(withStatus.error, failed);
});

test("a result is pending and then available", async () => {
  const { workflowId, runId } = await start("Sleep", { args: [{ seconds: 1 }] });
  const { response, data } = await flowgate.GET(result, { params: { path: pathParams(workflowId) } });
  assert.equal(response.status, 202);
  assert.deepEqual([data?.status, data?.runId], ["RUNNING", runId]);
  assert.deepEqual([response.headers.get("Retry-After"), response.headers.get("Cache-Control")], ["1", "no-store"]);
  const outcome = await getLocation<Schemas["Outcome"]>(response, "&wait=30s");
  assert.deepEqual([outcome.runId, outcome.status, outcome.result], [runId, "COMPLETED", "slept"]);
});

test("a result follows the run chain by default", async () => {
  const { workflowId, runId } = await start("Chain", { args: [{ times: 2 }] });
  const last = await waitForOutcome(flowgate, namespace, workflowId, runId);
  assert.deepEqual([last.status, last.result], ["COMPLETED", 3]);
  assert.notEqual(last.runId, runId);
  const first = unwrap(await flowgate.GET(result, { params: { path: pathParams(workflowId), query: { runId, followRuns: false } } }));
  assert.ok("newRunId" in first && first.newRunId !== runId);
  assert.deepEqual([first.status, first.runId], ["CONTINUED_AS_NEW", runId]);
});
