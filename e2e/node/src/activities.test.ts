// Reports about a running activity from outside of its worker, and activities without a workflow.
import assert from "node:assert/strict";
import test from "node:test";
import { readLines, unwrap, waitForOutcome, type Schemas } from "./flowgate.js";
import { describe, eventually, flowgate, namespace, newId, pathParams, problemOf, reader, start, taskQueue, workflow } from "./setup.js";

const activities = "/v1/namespaces/{namespace}/activities";
const activity = `${activities}/{activityId}` as const;
const params = { path: { namespace } };

/** An activity of a workflow, which its worker leaves open. */
interface Approval {
  workflowId: string;
  runId: string;
  taskToken: string;
}

async function startApproval(): Promise<Approval> {
  const { workflowId, runId } = await start("Approval");
  const details = async () => (await describe(workflowId)).pendingActivities?.[0]?.heartbeatDetails?.[0] as { taskToken: string } | undefined;
  await eventually(async () => (await details()) !== undefined);
  return { workflowId, runId, taskToken: (await details())?.taskToken ?? "" };
}

function startOne(activityId: string, options: Partial<Schemas["StartActivityRequest"]> = {}, query: { wait?: string } = {}, key?: string) {
  const header = key === undefined ? {} : { "Idempotency-Key": key };
  const body = { activityType: "charge", activityId, taskQueue: `unpolled-${activityId}`, startToCloseTimeout: "1h", ...options };
  return flowgate.POST(activities, { params: { ...params, query, header }, body });
}

async function result(activityId: string, query: { wait?: string; runId?: string } = {}): Promise<Schemas["ActivityOutcome"]> {
  return unwrap(await reader.GET(`${activity}/result`, { params: { path: { namespace, activityId }, query } }));
}

test("an activity is completed by its token", async () => {
  const { workflowId, runId, taskToken } = await startApproval();
  const state = unwrap(await flowgate.POST(`${activities}:heartbeat`, { params, body: { taskToken, details: [{ done: 17 }] } }));
  assert.deepEqual(state, { cancelRequested: false, activityPaused: false, activityReset: false });
  assert.deepEqual((await describe(workflowId)).pendingActivities?.[0]?.heartbeatDetails, [{ done: 17 }]);
  unwrap(await flowgate.POST(`${activities}:complete`, { params, body: { taskToken, result: { by: "ann" } } }));
  assert.deepEqual((await waitForOutcome(flowgate, namespace, workflowId, runId)).result, { by: "ann" });
  const closed = await problemOf(flowgate.POST(`${activities}:complete`, { params, body: { taskToken } }));
  assert.deepEqual([closed.response.status, closed.code], [409, "workflow-completed"]);
});

test("an activity is failed by its ids", async () => {
  const { workflowId, runId } = await startApproval();
  const failure = { message: "declined", type: "PaymentDeclined", nonRetryable: true, details: [1999], cause: { message: "no funds" } };
  const body = { workflowId, runId, activityId: "approve", failure, lastHeartbeatDetails: ["half"] };
  unwrap(await flowgate.POST(`${activities}:fail`, { params, body }));
  const outcome = await waitForOutcome(flowgate, namespace, workflowId, runId);
  const { message, type, nonRetryable, details, cause } = outcome.failure?.cause ?? {};
  assert.deepEqual({ message, type, nonRetryable, details, cause: { message: cause?.message } }, failure);
});

test("an activity reports its cancellation", async () => {
  const { workflowId, runId, taskToken } = await startApproval();
  unwrap(await flowgate.POST(`${workflow}/cancel`, { params: { path: pathParams(workflowId) } }));
  await eventually(async () => unwrap(await flowgate.POST(`${activities}:heartbeat`, { params, body: { taskToken } })).cancelRequested);
  unwrap(await flowgate.POST(`${activities}:reportCancellation`, { params, body: { taskToken, details: ["the cart is empty"] } }));
  assert.equal((await waitForOutcome(flowgate, namespace, workflowId, runId)).status, "CANCELED");
});

test("an activity without a workflow returns its outcome", async () => {
  const payment = { orderId: "o", card: "declined", amount: 1999 };
  const activityId = newId();
  const { response, ...started } = await startOne(activityId, { taskQueue, args: [payment] }, { wait: "30s" });
  const outcome = unwrap({ response, ...started });
  assert.deepEqual([response.status, outcome.status, outcome.failure?.type], [200, "FAILED", "PaymentDeclined"]);
  assert.deepEqual((await result(activityId, { runId: outcome.runId })).failure, outcome.failure);
});

test("an activity without a workflow keeps its options", async () => {
  const activityId = newId();
  const options = {
    args: [{ amount: 1999 }],
    scheduleToCloseTimeout: "7200s",
    scheduleToStartTimeout: "1800s",
    startToCloseTimeout: "3600s",
    heartbeatTimeout: "10s",
    summary: "Charge",
    searchAttributes: { CustomerId: { type: "Keyword", value: activityId } },
    priority: { priorityKey: 2 },
    startDelay: "60s",
  };
  const { runId } = unwrap(await startOne(activityId, { ...options, retryPolicy: { maximumAttempts: 3 } }));
  const described = unwrap(await reader.GET(activity, { params: { path: { namespace, activityId }, query: { runId } } }));
  for (const [name, value] of Object.entries(options)) assert.deepEqual(described[name as keyof typeof options], value);
  assert.equal(described.retryPolicy?.maximumAttempts, 3);

  const query = { query: `CustomerId = "${activityId}"` };
  await eventually(async () => unwrap(await reader.GET(`${activities}:count`, { params: { ...params, query } })).count === 1);
  const page = unwrap(await reader.GET(activities, { params: { ...params, query } }));
  assert.deepEqual(page.activities.map((found) => found.activityId), [activityId]);
  const { response } = await reader.GET(activities, { params: { ...params, query }, headers: { Accept: "application/x-ndjson" }, parseAs: "stream" });
  const streamed: string[] = [];
  for await (const line of readLines<Schemas["ActivitySummary"]>(response)) streamed.push(line.activityId);
  assert.deepEqual(streamed, [activityId]);

  assert.equal((await result(activityId)).status, "RUNNING");
  unwrap(await flowgate.POST(`${activity}/terminate`, { params: { path: { namespace, activityId } }, body: { reason: "enough" } }));
  const outcome = await result(activityId, { wait: "30s" });
  assert.deepEqual([outcome.status, outcome.failure?.message], ["TERMINATED", "enough"]);
});

test("an activity without a workflow starts once, and is cancelled", async () => {
  const activityId = newId();
  const first = unwrap(await startOne(activityId, {}, {}, activityId));
  assert.equal(unwrap(await startOne(activityId, {}, {}, activityId)).runId, first.runId);
  const running = await problemOf(startOne(activityId));
  assert.deepEqual([running.response.status, running.code], [409, "activity-already-started"]);
  const existing = unwrap(await startOne(activityId, { idConflictPolicy: "USE_EXISTING" }));
  assert.deepEqual([existing.runId, existing.started], [first.runId, false]);
  const cancel = { params: { path: { namespace, activityId } }, body: { reason: "the customer left" } };
  unwrap(await flowgate.POST(`${activity}/cancel`, cancel));
  assert.equal((await result(activityId, { wait: "30s" })).status, "CANCELED");
  const used = await problemOf(startOne(activityId, { idReusePolicy: "REJECT_DUPLICATE" }));
  assert.deepEqual([used.response.status, used.code], [409, "activity-already-started"]);
});
