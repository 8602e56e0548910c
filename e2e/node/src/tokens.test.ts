// Delegated tokens: for one workflow, and only for the named operations.
import assert from "node:assert/strict";
import test from "node:test";
import { connect, outcomeOf, unwrap } from "./flowgate.js";
import { contract, flowgate, namespace, of, problemOf, reader, start, url, workflow } from "./setup.js";

test("an approval is delegated", async () => {
  const { workflowId, runId } = await start("Order", { args: [{ orderId: "o-1", items: [{ sku: "pen", quantity: 1, price: 300 }] }] });
  const params = { path: of(workflowId) };
  const issued = unwrap(await flowgate.POST(`${workflow}/tokens`, { params, body: { read: true, signals: ["approve"], ttl: "5m" } }));
  assert.ok(Date.parse(issued.expiresAt) > Date.now());
  const visitor = connect(url, issued.token, contract.fetch);
  const forbidden = await problemOf(visitor.POST(`${workflow}/terminate`, { params }));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
  unwrap(await visitor.POST(`${workflow}/signal`, { params, body: { signal: "approve", args: [{ by: "ann" }] } }));
  assert.equal((await outcomeOf(visitor, namespace, workflowId, runId)).status, "COMPLETED");
});

test("a reader cannot create a token that permits signals", async () => {
  const params = { path: of("any") };
  const forbidden = await problemOf(reader.POST(`${workflow}/tokens`, { params, body: { signals: ["approve"] } }));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
});
