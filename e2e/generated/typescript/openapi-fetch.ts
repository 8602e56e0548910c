// A service with openapi-fetch and the types of openapi-typescript.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi-typescript";
import { allEvents, book, checkEvents, cron, eventually, key, namespace, newId, pen, refusal, run, taskQueue, url } from "./service";

const flowgate = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
const workflows = "/v1/namespaces/{namespace}/workflows";
const workflow = "/v1/namespaces/{namespace}/workflows/{workflowId}";

/** Returns the data of a response, and fails for a problem. */
function dataOf<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  assert.ok(data !== undefined, JSON.stringify(error));
  return data;
}

async function completeOrder(): Promise<void> {
  const workflowId = newId();
  const path = { namespace, workflowId };
  const started = dataOf(
    await flowgate.POST(workflows, {
      params: { path: { namespace } },
      body: { workflowType: "Order", workflowId, taskQueue, args: [{ orderId: workflowId, items: [book] }] },
    }),
  );
  assert.equal(started.started, true);
  const { runId } = started;

  const updated = dataOf(await flowgate.POST(`${workflow}/updates`, { params: { path }, body: { update: "addItem", args: [pen] } }));
  assert.deepEqual([updated.stage, updated.status, updated.result], ["COMPLETED", "COMPLETED", { items: 2, total: 2800 }]);

  await eventually(async () => {
    const query = { query: `WorkflowId = '${workflowId}'` };
    const list = dataOf(await flowgate.GET(workflows, { params: { path: { namespace }, query } }));
    return list.workflows[0]?.runId === runId;
  });

  const result = async (wait: string) => dataOf(await flowgate.GET(`${workflow}/result`, { params: { path, query: { runId, wait } } }));
  assert.equal((await result("1s")).status, "RUNNING");
  await flowgate.POST(`${workflow}/signal`, { params: { path }, body: { signal: "approve", args: [{ by: "ann" }] } });
  const outcome = await result("30s");
  assert.equal(outcome.status, "COMPLETED");
  assert.equal((outcome.result as { total: number }).total, 2800);

  const events = await allEvents(async (pageToken) => {
    const query = { runId, pageSize: 5, ...(pageToken === undefined ? {} : { pageToken }) };
    return dataOf(await flowgate.GET(`${workflow}/history`, { params: { path, query } }));
  });
  checkEvents(events);
}

async function declineOrder(): Promise<void> {
  const workflowId = newId();
  const outcome = dataOf(
    await flowgate.POST(workflows, {
      params: { path: { namespace }, query: { wait: "30s" } },
      body: { workflowType: "Order", workflowId, taskQueue, args: [{ orderId: workflowId, items: [book], card: "declined" }] },
    }),
  );
  assert.deepEqual([outcome.started, outcome.status, outcome.failure?.kind], [true, "FAILED", "activity"]);
  assert.equal(outcome.failure?.cause?.kind, "application");

  const { error } = await flowgate.GET(workflow, { params: { path: { namespace, workflowId: newId() } } });
  assert.equal(error?.code, "workflow-not-found");
}

async function refuseApproval(): Promise<void> {
  const workflowId = newId();
  const path = { namespace, workflowId };
  dataOf(await flowgate.POST(workflows, { params: { path: { namespace } }, body: { workflowType: "Approval", workflowId, taskQueue } }));
  await eventually(async () => {
    const { pendingActivities } = dataOf(await flowgate.GET(workflow, { params: { path } }));
    return pendingActivities?.[0]?.state === "STARTED";
  });

  const { error } = await flowgate.POST("/v1/namespaces/{namespace}/activities:fail", {
    params: { path: { namespace } },
    body: { workflowId, activityId: "approve", failure: refusal },
  });
  assert.equal(error, undefined);

  const outcome = dataOf(await flowgate.GET(`${workflow}/result`, { params: { path, query: { wait: "30s" } } }));
  const cause = outcome.failure?.cause;
  assert.deepEqual([cause?.message, cause?.type, cause?.details], [refusal.message, refusal.type, refusal.details]);
}

async function scheduleOrders(): Promise<void> {
  const scheduleId = newId();
  const schedule = {
    action: { workflowType: "Echo", workflowId: scheduleId, taskQueue, args: [book] },
    spec: { cronExpressions: [cron] },
  };
  const body = { scheduleId, schedule, triggerImmediately: true };
  dataOf(await flowgate.POST("/v1/namespaces/{namespace}/schedules", { params: { path: { namespace } }, body }));

  const params = { path: { namespace, scheduleId } };
  const describe = () => flowgate.GET("/v1/namespaces/{namespace}/schedules/{scheduleId}", { params });
  await eventually(async () => dataOf(await describe()).info.numActions === 1);
  assert.deepEqual(dataOf(await describe()).schedule.spec.cronExpressions, [cron]);

  await flowgate.DELETE("/v1/namespaces/{namespace}/schedules/{scheduleId}", { params });
  assert.equal((await describe()).error?.code, "schedule-not-found");
}

run(async () => {
  await completeOrder();
  await declineOrder();
  await refuseApproval();
  await scheduleOrders();
});
