// A service with the client of @hey-api/openapi-ts.
import assert from "node:assert/strict";
import {
  createSchedule,
  deleteSchedule,
  describeSchedule,
  describeWorkflow,
  failActivity,
  getWorkflowHistory,
  getWorkflowResult,
  listWorkflows,
  signalWorkflow,
  startWorkflow,
  updateWorkflow,
} from "./generated/hey-api";
import { client } from "./generated/hey-api/client.gen";
import { allEvents, book, checkEvents, cron, eventually, key, namespace, newId, pen, refusal, run, taskQueue, url } from "./service";

client.setConfig({ baseUrl: url, auth: key });
const throwOnError = true;

async function completeOrder(): Promise<void> {
  const workflowId = newId();
  const path = { namespace, workflowId };
  const order = { orderId: workflowId, items: [book] };
  const { data: started } = await startWorkflow({
    path: { namespace },
    body: { workflowType: "Order", workflowId, taskQueue, args: [order] },
    throwOnError,
  });
  assert.equal(started.started, true);
  const { runId } = started;

  const { data: updated } = await updateWorkflow({ path, body: { update: "addItem", args: [pen] }, throwOnError });
  assert.deepEqual([updated.stage, updated.status, updated.result], ["COMPLETED", "COMPLETED", { items: 2, total: 2800 }]);

  await eventually(async () => {
    const { data: list } = await listWorkflows({ path: { namespace }, query: { query: `WorkflowId = '${workflowId}'` }, throwOnError });
    return list.workflows[0]?.runId === runId;
  });

  const result = async (wait: string) => (await getWorkflowResult({ path, query: { runId, wait }, throwOnError })).data;
  assert.equal((await result("1s")).status, "RUNNING");
  await signalWorkflow({ path, body: { signal: "approve", args: [{ by: "ann" }] }, throwOnError });
  const outcome = await result("30s");
  assert.equal(outcome.status, "COMPLETED");
  assert.equal((outcome.result as { total: number }).total, 2800);

  const events = await allEvents(async (pageToken) => (await getWorkflowHistory({ path, query: { runId, pageSize: 5, pageToken }, throwOnError })).data);
  checkEvents(events);
}

async function declineOrder(): Promise<void> {
  const workflowId = newId();
  const order = { orderId: workflowId, items: [book], card: "declined" };
  const { data: outcome } = await startWorkflow({
    path: { namespace },
    query: { wait: "30s" },
    body: { workflowType: "Order", workflowId, taskQueue, args: [order] },
    throwOnError,
  });
  assert.deepEqual([outcome.started, outcome.status, outcome.failure?.kind], [true, "FAILED", "activity"]);
  assert.equal(outcome.failure?.cause?.kind, "application");

  const { error } = await describeWorkflow({ path: { namespace, workflowId: newId() } });
  assert.equal(error?.code, "workflow-not-found");
}

async function refuseApproval(): Promise<void> {
  const workflowId = newId();
  const path = { namespace, workflowId };
  await startWorkflow({ path: { namespace }, body: { workflowType: "Approval", workflowId, taskQueue }, throwOnError });
  await eventually(async () => {
    const { data: description } = await describeWorkflow({ path, throwOnError });
    return description.pendingActivities?.[0]?.state === "STARTED";
  });

  await failActivity({ path: { namespace }, body: { workflowId, activityId: "approve", failure: refusal }, throwOnError });

  const { data: outcome } = await getWorkflowResult({ path, query: { wait: "30s" }, throwOnError });
  const cause = outcome.failure?.cause;
  assert.deepEqual([cause?.message, cause?.type, cause?.details], [refusal.message, refusal.type, refusal.details]);
}

async function scheduleOrders(): Promise<void> {
  const scheduleId = newId();
  const schedule = {
    action: { workflowType: "Echo", workflowId: scheduleId, taskQueue, args: [book] },
    spec: { cronExpressions: [cron] },
  };
  await createSchedule({ path: { namespace }, body: { scheduleId, schedule, triggerImmediately: true }, throwOnError });

  const path = { namespace, scheduleId };
  await eventually(async () => (await describeSchedule({ path, throwOnError })).data.info.numActions === 1);
  assert.deepEqual((await describeSchedule({ path, throwOnError })).data.schedule.spec.cronExpressions, [cron]);

  await deleteSchedule({ path, throwOnError });
  assert.equal((await describeSchedule({ path })).error?.code, "schedule-not-found");
}

run(async () => {
  await completeOrder();
  await declineOrder();
  await refuseApproval();
  await scheduleOrders();
});
