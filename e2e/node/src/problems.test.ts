// Errors are problem documents that programs can handle.
import assert from "node:assert/strict";
import test from "node:test";
import type { Schemas } from "./flowgate.js";
import { connect, unwrap } from "./flowgate.js";
import { anonymous, contract, flowgate, namespace, newId, pathParams, problemOf, reader, start, taskQueue, terminate, url, workflow, workflows } from "./setup.js";

test("a request without a key receives a challenge", async () => {
  const problem = await problemOf(anonymous.GET(`${workflows}:count`, { params: { path: { namespace } } }));
  assert.deepEqual([problem.response.status, problem.code], [401, "unauthenticated"]);
  assert.match(problem.response.headers.get("WWW-Authenticate") ?? "", /^Bearer/);
});

test("a wrong key is rejected", async () => {
  const problem = await problemOf(connect(url, "fg_dev_wrong", contract.fetch).GET("/v1/system-info"));
  assert.deepEqual([problem.response.status, problem.code], [401, "invalid-credential"]);
});

test("a reader cannot write", async () => {
  const workflowId = newId();
  const body = { workflowType: "Wait", workflowId, taskQueue };
  const problem = await problemOf(reader.POST(workflows, { params: { path: { namespace } }, body }));
  assert.deepEqual([problem.response.status, problem.code], [403, "operation-forbidden"]);
  const missing = await problemOf(flowgate.GET(workflow, { params: { path: pathParams(workflowId) } }));
  assert.deepEqual([missing.response.status, missing.code, missing.problem.workflowId], [404, "workflow-not-found", workflowId]);
});

test("a namespace without a grant is forbidden", async () => {
  const params = { path: { namespace: "elsewhere" } };
  const problem = await problemOf(flowgate.GET("/v1/namespaces/{namespace}/client", { params }));
  assert.deepEqual([problem.response.status, problem.code], [403, "namespace-forbidden"]);
});

test("an unknown field has a pointer", async () => {
  // The types reject this field too, so the value is cast.
  const body = { workflowType: "Wait", workflowId: newId(), taskQueu: taskQueue } as unknown as Schemas["StartWorkflowRequest"];
  const problem = await problemOf(flowgate.POST(workflows, { params: { path: { namespace } }, body }));
  assert.deepEqual([problem.response.status, problem.code], [400, "unknown-field"]);
  assert.deepEqual(problem.problem.errors?.map((error) => error.pointer), ["/taskQueu"]);
  assert.equal(problem.problem.retryable, false);
});

test("an unknown query is not found", async () => {
  const { workflowId } = await start("Wait");
  const problem = await problemOf(flowgate.GET(`${workflow}/query`, { params: { path: pathParams(workflowId), query: { query: "stat" } } }));
  assert.deepEqual([problem.response.status, problem.code], [404, "query-not-found"]);
  assert.match(problem.problem.detail ?? "", /state/);
  await terminate(workflowId);
});

test("an unknown route returns a problem document", async () => {
  const response = await contract.fetch(new Request(`${url}/v1/nowhere`));
  assert.deepEqual([response.status, ((await response.json()) as Schemas["Problem"]).code], [404, "route-not-found"]);
});

test("Request-Timeout limits a query without a worker", async () => {
  const workflowId = newId();
  const body = { workflowType: "Unpolled", workflowId, taskQueue: newId("unpolled") };
  unwrap(await flowgate.POST(workflows, { params: { path: { namespace } }, body }));
  const params = { path: pathParams(workflowId), query: { query: "state" } };
  const problem = await problemOf(flowgate.GET(`${workflow}/query`, { params, headers: { "Request-Timeout": "1s" } }));
  assert.deepEqual([problem.response.status, problem.code, problem.problem.retryable], [504, "query-timeout", true]);
  await terminate(workflowId);
});
