// Delegated tokens, which permit only the named operations on one workflow.
import assert from "node:assert/strict";
import test from "node:test";
import { connect, waitForOutcome, unwrap } from "./flowgate.js";
import { contract, flowgate, namespace, pathParams, problemOf, reader, start, url, workflow } from "./setup.js";

test("an approval is delegated", async () => {
  const { workflowId, runId } = await start("Order", { args: [{ orderId: "o-1", items: [{ sku: "pen", quantity: 1, price: 300 }] }] });
  const params = { path: pathParams(workflowId) };
  const issued = unwrap(await flowgate.POST(`${workflow}/tokens`, { params, body: { read: true, signals: ["approve"], ttl: "5m" } }));
  assert.ok(Date.parse(issued.expiresAt) > Date.now());
  const delegate = connect(url, issued.token, contract.fetch);
  const forbidden = await problemOf(delegate.POST(`${workflow}/terminate`, { params }));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
  unwrap(await delegate.POST(`${workflow}/signal`, { params, body: { signal: "approve", args: [{ by: "ann" }] } }));
  assert.equal((await waitForOutcome(delegate, namespace, workflowId, runId)).status, "COMPLETED");
});

test("a reader cannot create a token that permits signals", async () => {
  const params = { path: pathParams("any") };
  const forbidden = await problemOf(reader.POST(`${workflow}/tokens`, { params, body: { signals: ["approve"] } }));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
});
