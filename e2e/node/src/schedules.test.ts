// Schedules: their fields, their writes, and the workflows that they start.
import assert from "node:assert/strict";
import test from "node:test";
import { readLines, unwrap, waitForOutcome, type Schemas } from "./flowgate.js";
import { eventually, flowgate, namespace, newId, problemOf, reader, taskQueue } from "./setup.js";

const schedules = "/v1/namespaces/{namespace}/schedules";
const schedule = `${schedules}/{scheduleId}` as const;

function path(scheduleId: string): { namespace: string; scheduleId: string } {
  return { namespace, scheduleId };
}

/** An action that starts an Echo workflow, which returns its arguments. */
function action(workflowId: string): Schemas["ScheduleAction"] {
  return { workflowType: "Echo", workflowId, taskQueue, args: [workflowId] };
}

/** Creates a schedule. Without a specification, it takes an action only when it is triggered. */
async function create(fields: Partial<Schemas["CreateScheduleRequest"]> = {}, parts: Partial<Schemas["Schedule"]> = {}): Promise<string> {
  const scheduleId = newId("schedule");
  const body = { scheduleId, schedule: { action: action(`run-${scheduleId}`), spec: {}, ...parts }, ...fields };
  const { response, ...result } = await flowgate.POST(schedules, { params: { path: { namespace } }, body });
  assert.deepEqual(unwrap({ response, ...result }), { scheduleId });
  assert.ok(response.headers.get("Location")?.endsWith(`/schedules/${scheduleId}`));
  return scheduleId;
}

async function describe(scheduleId: string): Promise<Schemas["ScheduleDescription"] & { etag: string }> {
  const { response, ...result } = await reader.GET(schedule, { params: { path: path(scheduleId) } });
  return { ...unwrap({ response, ...result }), etag: response.headers.get("ETag") ?? "" };
}

async function remove(scheduleId: string): Promise<void> {
  unwrap(await flowgate.DELETE(schedule, { params: { path: path(scheduleId) } }));
}

test("a schedule keeps every field", async () => {
  const every: Schemas["Schedule"] = {
    action: {
      ...action(newId()),
      executionTimeout: "7200s",
      runTimeout: "3600s",
      taskTimeout: "20s",
      retryPolicy: { initialInterval: "2s", backoffCoefficient: 2, maximumInterval: "60s", maximumAttempts: 3 },
      memo: { team: "payments" },
      searchAttributes: { CustomerId: { type: "Keyword", value: "c-1" } },
      staticSummary: "An echo",
      staticDetails: "of **all**",
      priority: { priorityKey: 2 },
      versioningOverride: { behavior: "AUTO_UPGRADE" },
    },
    spec: {
      cronExpressions: ["0 2 * * *"],
      startAt: "2099-01-01T00:00:00Z",
      endAt: "2100-01-01T00:00:00Z",
      jitter: "30s",
      timeZoneName: "Europe/Zurich",
    },
    policy: { overlap: "BUFFER_ONE", catchupWindow: "3600s", pauseOnFailure: true },
    state: { note: "on trial", paused: true, limitedActions: true, remainingActions: 1000 },
  };
  const scheduleId = await create({ memo: { owner: "ann" }, searchAttributes: { CustomerId: "c-2" } }, every);
  const described = await describe(scheduleId);
  assert.deepEqual([described.schedule.spec, described.schedule.policy, described.schedule.state], [every.spec, every.policy, every.state]);
  for (const [name, value] of Object.entries(every.action)) assert.deepEqual(described.schedule.action[name as "args"], value);
  assert.deepEqual([described.memo, described.searchAttributes], [{ owner: "ann" }, { CustomerId: { type: "Keyword", value: "c-2" } }]);
  // What a client has read, it can write.
  const params = { path: path(scheduleId), header: { "If-Match": described.etag } };
  const replaced = unwrap(await flowgate.PUT(schedule, { params, body: { schedule: described.schedule } }));
  assert.deepEqual(replaced.schedule, described.schedule);
  await remove(scheduleId);
  const gone = await problemOf(reader.GET(schedule, { params: { path: path(scheduleId) } }));
  assert.deepEqual([gone.response.status, gone.code], [404, "schedule-not-found"]);
});

test("calendars, intervals and times to skip have matching times", async () => {
  const spec: Schemas["ScheduleSpec"] = {
    calendars: [{ hour: [{ start: 9, end: 17, step: 4 }], dayOfWeek: "MON-FRI", comment: "office hours" }],
    intervals: [{ every: "6h", offset: "30m" }],
    skip: [{ hour: "17", minute: "*", second: "*" }],
  };
  const scheduleId = await create({}, { spec, state: { paused: true } });
  const query = { startTime: "2026-11-23T06:00:00Z", endTime: "2026-11-23T17:30:00Z" }; // a Monday
  const { startTimes } = unwrap(await reader.GET(`${schedule}/matching-times`, { params: { path: path(scheduleId), query } }));
  assert.deepEqual(startTimes, ["06:30", "09:00", "12:30", "13:00"].map((time) => `2026-11-23T${time}:00Z`));
  await remove(scheduleId);
});

test("a trigger starts a workflow", async () => {
  const scheduleId = await create();
  for (const key of ["once", "once"]) {
    const params = { path: path(scheduleId), header: { "Idempotency-Key": key } };
    unwrap(await flowgate.POST(`${schedule}/trigger`, { params, body: { overlap: "ALLOW_ALL" } }));
  }
  await eventually(async () => (await describe(scheduleId)).info.recentActions?.length === 1);
  const { recentActions, numActions } = (await describe(scheduleId)).info;
  const { workflowId = "", firstExecutionRunId = "" } = recentActions?.[0] ?? {};
  const outcome = await waitForOutcome(flowgate, namespace, workflowId, firstExecutionRunId);
  assert.deepEqual([outcome.status, outcome.result, numActions], ["COMPLETED", [`run-${scheduleId}`], 1]);
  await remove(scheduleId);
});

test("a backfill starts the missed workflows", async () => {
  const backfill: Schemas["ScheduleBackfill"] = { startAt: "2026-03-01T00:30:00Z", endAt: "2026-03-01T02:30:00Z", overlap: "ALLOW_ALL" };
  const spec = { cronExpressions: ["0 * * * *"] };
  const scheduleId = await create({ triggerImmediately: true, backfill: [backfill] }, { spec, policy: { overlap: "ALLOW_ALL" } });
  await eventually(async () => (await describe(scheduleId)).info.numActions === 3);
  const later = { ...backfill, startAt: "2026-03-02T00:30:00Z", endAt: "2026-03-02T01:30:00Z" };
  unwrap(await flowgate.POST(`${schedule}/backfill`, { params: { path: path(scheduleId) }, body: { backfill: [later] } }));
  await eventually(async () => (await describe(scheduleId)).info.numActions === 4);
  await remove(scheduleId);
});

test("a schedule is paused and unpaused with a note", async () => {
  const scheduleId = await create();
  const params = { path: path(scheduleId) };
  unwrap(await flowgate.POST(`${schedule}/pause`, { params, body: { note: "the printer is broken" } }));
  assert.deepEqual((await describe(scheduleId)).schedule.state, { note: "the printer is broken", paused: true });
  unwrap(await flowgate.POST(`${schedule}/unpause`, { params, body: { note: "it works again" } }));
  assert.equal((await describe(scheduleId)).schedule.state?.note, "it works again");
  unwrap(await flowgate.POST(`${schedule}/pause`, { params }));
  assert.equal((await describe(scheduleId)).schedule.state?.paused, true);
  await remove(scheduleId);
});

test("a lost update of a schedule is detected", async () => {
  const scheduleId = await create();
  const before = await describe(scheduleId);
  const params = { path: path(scheduleId), header: { "If-Match": before.etag } };
  const patched = unwrap(await flowgate.PATCH(schedule, { params, body: { schedule: { state: { note: "first" } } } }));
  assert.deepEqual([patched.schedule.state?.note, patched.schedule.action], ["first", before.schedule.action]);
  const lost = await problemOf(flowgate.PUT(schedule, { params, body: { schedule: before.schedule } }));
  assert.deepEqual([lost.response.status, lost.code], [412, "schedule-changed"]);
  assert.equal(lost.response.headers.get("ETag"), (await describe(scheduleId)).etag);
  await remove(scheduleId);
});

test("schedules are listed and counted", async () => {
  const customer = newId("customer");
  const ids: string[] = [];
  for (const n of [1, 2, 3]) ids.push(await create({ searchAttributes: { CustomerId: customer }, memo: { n } }));
  const query = `CustomerId = "${customer}"`;
  const params = { path: { namespace }, query: { query } };
  await eventually(async () => unwrap(await reader.GET(`${schedules}:count`, { params })).count === 3);
  const first = unwrap(await reader.GET(schedules, { params: { ...params, query: { query, pageSize: 2 } } }));
  const pageToken = first.nextPageToken ?? "";
  const second = unwrap(await reader.GET(schedules, { params: { ...params, query: { query, pageSize: 2, pageToken } } }));
  const listed = [...first.schedules, ...second.schedules];
  assert.deepEqual(listed.map((found) => found.scheduleId).sort(), ids.sort());
  const { response } = await reader.GET(schedules, { params, headers: { Accept: "application/x-ndjson" }, parseAs: "stream" });
  const streamed: unknown[] = [];
  for await (const line of readLines<Schemas["ScheduleSummary"]>(response)) streamed.push(line.memo?.["n"]);
  assert.deepEqual(streamed.sort(), [1, 2, 3]);
  for (const scheduleId of ids) await remove(scheduleId);
});
