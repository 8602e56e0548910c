// Operations for operators: reset, pause, change of options and deletion, of one workflow or of a batch.
import assert from "node:assert/strict";
import test from "node:test";
import { waitForOutcome, unwrap } from "./flowgate.js";
import { describe, eventually, flowgate, namespace, newId, pathParams, problemOf, reader, start, terminate, workflow } from "./setup.js";

const batches = "/v1/namespaces/{namespace}/batches";

test("a reset continues in a new run", async () => {
  const { workflowId, runId } = await start("Wait");
  const params = { path: pathParams(workflowId) };
  unwrap(await reader.GET(`${workflow}/query`, { params: { ...params, query: { query: "state" } } }));
  const again = unwrap(await flowgate.POST(`${workflow}/reset`, { params, body: { resetType: "LAST_WORKFLOW_TASK", reason: "a bad build" } }));
  assert.notEqual(again.runId, runId);
  assert.equal((await describe(workflowId)).runId, again.runId);
  assert.equal((await waitForOutcome(flowgate, namespace, workflowId, runId)).status, "TERMINATED");
  const invalid = await problemOf(flowgate.POST(`${workflow}/reset`, { params, body: {} }));
  assert.deepEqual([invalid.response.status, invalid.code], [400, "invalid-request"]);
  await terminate(workflowId);
});

test("a paused workflow does not run", async () => {
  const { workflowId, runId } = await start("Wait");
  const params = { path: pathParams(workflowId) };
  unwrap(await flowgate.POST(`${workflow}/pause`, { params, body: { reason: "the bank is down" } }));
  assert.equal((await describe(workflowId)).pause?.reason, "the bank is down");
  const repeated = await problemOf(flowgate.POST(`${workflow}/pause`, { params }));
  assert.deepEqual([repeated.response.status, repeated.code], [409, "conflict"]);
  unwrap(await flowgate.POST(`${workflow}/signal`, { params, body: { signal: "finish", args: [1] } }));
  unwrap(await flowgate.POST(`${workflow}/unpause`, { params }));
  assert.equal((await waitForOutcome(flowgate, namespace, workflowId, runId)).result, 1);
});

test("options are changed and removed", async () => {
  const { workflowId } = await start("Wait");
  const params = { path: pathParams(workflowId) };
  const changed = await flowgate.PATCH(workflow, {
    params,
    body: { priority: { priorityKey: 1 }, versioningOverride: { behavior: "AUTO_UPGRADE" } },
  });
  assert.deepEqual(unwrap(changed), { priority: { priorityKey: 1 }, versioningOverride: { behavior: "AUTO_UPGRADE" } });
  assert.deepEqual(unwrap(await flowgate.PATCH(workflow, { params, body: { versioningOverride: null } })), { priority: { priorityKey: 1 } });
  await terminate(workflowId);
});

test("a batch job deletes workflows, is listed, and cannot be stopped after it has ended", async () => {
  const { workflowId } = await start("Wait");
  const path = { namespace };
  const executions = [{ workflowId }];
  const dryRun = unwrap(await flowgate.POST(batches, { params: { path }, body: { executions, operation: { delete: {} }, dryRun: true } }));
  assert.deepEqual(dryRun, { count: 1 });
  const jobId = newId();
  const started = await flowgate.POST(batches, { params: { path }, body: { executions, operation: { delete: {} }, jobId, reason: "by mistake" } });
  assert.deepEqual(unwrap(started), { jobId });
  const job = () => reader.GET(`${batches}/{jobId}`, { params: { path: { namespace, jobId } } });
  await eventually(async () => unwrap(await job()).state === "COMPLETED");
  assert.deepEqual(unwrap(await job()).progress, { total: 1, completed: 1, failed: 0 });
  await eventually(async () => {
    const page = unwrap(await reader.GET(batches, { params: { path, query: { pageSize: 1000 } } }));
    return page.batches.some((listed) => listed.jobId === jobId);
  });
  const ended = await problemOf(flowgate.POST(`${batches}/{jobId}/stop`, { params: { path: { namespace, jobId } } }));
  assert.deepEqual([ended.response.status, ended.code], [409, "conflict"]);
});

test("a workflow is deleted", async () => {
  const { workflowId } = await start("Wait");
  const params = { path: pathParams(workflowId) };
  unwrap(await flowgate.DELETE(workflow, { params }));
  await eventually(async () => (await flowgate.GET(workflow, { params })).response.status === 404);
});
