// Task queues, and a worker for activities that has no SDK.
import assert from "node:assert/strict";
import test from "node:test";
import { unwrap, type Schemas } from "./flowgate.js";
import { flowgate, namespace, newId, problemOf, reader, taskQueue } from "./setup.js";

const queue = "/v1/namespaces/{namespace}/task-queues/{taskQueue}";
const activities = "/v1/namespaces/{namespace}/activities";

function poll(taskQueue: string, body: Schemas["PollActivityTaskRequest"] = {}, wait = "30s") {
  return flowgate.POST(`${queue}/activities:poll`, { params: { path: { namespace, taskQueue }, query: { wait } }, body });
}

test("a task queue has its pollers", async () => {
  const described = unwrap(await reader.GET(queue, { params: { path: { namespace, taskQueue } } }));
  assert.deepEqual(described.types.map((found) => found.type), ["WORKFLOW", "ACTIVITY"]);
  assert.ok(described.types.every((found) => found.pollers.length > 0 && found.stats !== undefined));
});

test("a program without an SDK runs an activity", async () => {
  const id = newId();
  const params = { path: { namespace } };
  const body = { activityType: "External", activityId: id, taskQueue: id, args: [{ amount: 1 }], startToCloseTimeout: "1h" };
  unwrap(await flowgate.POST(activities, { params, body: { ...body, retryPolicy: { maximumAttempts: 2, initialInterval: "1s" } } }));
  const task = unwrap(await poll(id, { identitySuffix: "w-1" }));
  assert.deepEqual([task?.activityId, task?.activityType, task?.attempt, task?.args], [id, "External", 1, [{ amount: 1 }]]);
  const report = { taskToken: task?.taskToken ?? "" };
  unwrap(await flowgate.POST(`${activities}:heartbeat`, { params, body: { ...report, details: ["half"] } }));
  unwrap(await flowgate.POST(`${activities}:fail`, { params, body: { ...report, failure: { message: "busy", nextRetryDelay: "0.1s" } } }));
  const again = unwrap(await poll(id));
  assert.deepEqual([again?.attempt, again?.heartbeatDetails], [2, ["half"]]);
  unwrap(await flowgate.POST(`${activities}:complete`, { params, body: { taskToken: again?.taskToken ?? "", result: "done" } }));
  const outcome = await reader.GET(`${activities}/{activityId}/result`, { params: { path: { namespace, activityId: id }, query: { wait: "30s" } } });
  assert.equal(unwrap(outcome).result, "done");
});

test("a versioned poller is visible, and a poll without a task has no body", async () => {
  const id = newId();
  const { response } = await poll(id, { deploymentName: id, buildId: "1.0", maxTasksPerSecond: 10 }, "2s");
  assert.equal(response.status, 204);
  const params = { path: { namespace, taskQueue: id }, query: { type: "ACTIVITY" as const } };
  const described = unwrap(await reader.GET(queue, { params }));
  assert.deepEqual(described.types[0]?.pollers[0]?.deploymentVersion, { deploymentName: id, buildId: "1.0" });
});

test("a reader cannot poll", async () => {
  const params = { path: { namespace, taskQueue: newId() } };
  const forbidden = await problemOf(reader.POST(`${queue}/activities:poll`, { params }));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
});

test("build ids are added, promoted and merged", async () => {
  const id = newId();
  const params = { path: { namespace, taskQueue: id } };
  const update = async (body: Schemas["BuildIdOperation"]) => unwrap(await flowgate.POST(`${queue}/build-id-compatibility`, { params, body }));
  const sets = async (query: { maxSets?: number } = {}) =>
    unwrap(await reader.GET(`${queue}/build-id-compatibility`, { params: { ...params, query } }));
  await update({ addNewDefault: { buildId: "1.0" } });
  await update({ addNewCompatible: { buildId: "1.1", existingCompatibleBuildId: "1.0" } });
  await update({ addNewDefault: { buildId: "2.0" } });
  assert.deepEqual((await sets({ maxSets: 1 })).versionSets, [{ buildIds: ["2.0"], default: "2.0" }]);
  await update({ promoteBuildIdWithinSet: { buildId: "1.0" } });
  await update({ promoteSetByBuildId: { buildId: "1.1" } });
  assert.equal((await sets()).defaultBuildId, "1.0");
  const body = { buildIds: ["1.0"], taskQueues: [id], reachabilityType: "OPEN_WORKFLOWS" as const };
  const reachability = await reader.POST("/v1/namespaces/{namespace}/task-reachability", { params: { path: { namespace } }, body });
  assert.deepEqual(unwrap(reachability).buildIdReachability["1.0"]?.taskQueueReachability, { [id]: ["NEW_WORKFLOWS"] });
  await update({ mergeSets: { primaryBuildId: "2.0", secondaryBuildId: "1.0" } });
  assert.equal((await sets()).versionSets.length, 1);
});
