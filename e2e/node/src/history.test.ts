// Reading the history of a run.
import assert from "node:assert/strict";
import test from "node:test";
import { waitForOutcome, readEvents, readLines, readValue, unwrap, type Schemas, type SentEvent } from "./flowgate.js";
import type { operations } from "./openapi.gen.js";
import { describe, flowgate, namespace, pathParams, problemOf, reader, start, terminate, workflow } from "./setup.js";

type Query = NonNullable<operations["getWorkflowHistory"]["parameters"]["query"]>;

// U+2028 does not end a line of NDJSON, although many line readers split at it.
const note = "one\u2028line";

/** Runs a workflow until it completes, and returns its id. */
async function runToCompletion(): Promise<string> {
  const { workflowId, runId } = await start("Wait", { args: [[], note] });
  for (const signal of ["poke", "finish"]) {
    unwrap(await flowgate.POST(`${workflow}/signal`, { params: { path: pathParams(workflowId) }, body: { signal, args: [note] } }));
  }
  await waitForOutcome(flowgate, namespace, workflowId, runId);
  return workflowId;
}

/** The pages of a history. With waitNewEvent, also pages of new events until the run closes. */
async function pagesOf(workflowId: string, query: Query = {}): Promise<Schemas["WorkflowHistory"][]> {
  const pages: Schemas["WorkflowHistory"][] = [];
  let pageToken: string | undefined;
  do {
    const position = pageToken === undefined ? {} : { pageToken };
    const result = await reader.GET(`${workflow}/history`, { params: { path: pathParams(workflowId), query: { ...query, ...position } } });
    const page = unwrap(result);
    pages.push(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return pages;
}

async function eventsOf(workflowId: string, query: Query = {}): Promise<Schemas["HistoryEvent"][]> {
  return (await pagesOf(workflowId, query)).flatMap((page) => page.events);
}

async function stream(workflowId: string, query: Query): Promise<Schemas["HistoryEvent"][]> {
  const { response } = await flowgate.GET(`${workflow}/history`, {
    params: { path: pathParams(workflowId), query },
    headers: { Accept: "application/x-ndjson" },
    parseAs: "stream",
  });
  assert.equal(response.headers.get("Content-Type"), "application/x-ndjson");
  const streamed: Schemas["HistoryEvent"][] = [];
  for await (const line of readLines<Schemas["HistoryEvent"]>(response)) streamed.push(line);
  return streamed;
}

test("the pages of a history have each event once", async () => {
  const workflowId = await runToCompletion();
  const events = await eventsOf(workflowId);
  assert.deepEqual(events.map((event) => event.eventId), events.map((_, i) => String(i + 1)));
  assert.equal(events[0]?.eventType, "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED");
  assert.equal(events.at(-1)?.eventType, "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED");
  assert.equal((await describe(workflowId)).historyLength, events.length);

  const pages = await pagesOf(workflowId, { pageSize: 1 });
  assert.ok(pages.length > 1);
  assert.deepEqual(pages.flatMap((page) => page.events), events);
});

test("a stream of a history has one event per line", async () => {
  const workflowId = await runToCompletion();
  const events = await eventsOf(workflowId);
  assert.deepEqual(await stream(workflowId, { pageSize: 2 }), events);
  assert.deepEqual(await stream(workflowId, { limit: 3 }), events.slice(0, 3));
});

test("a history has JSON values, or payloads with payloads=raw", async () => {
  const workflowId = await runToCompletion();
  const input = async (query: Query) => {
    const [started] = await eventsOf(workflowId, query);
    return (started?.["workflowExecutionStartedEventAttributes"] as { input: unknown }).input;
  };
  assert.deepEqual(await input({}), [[], note]);
  const { payloads } = (await input({ payloads: "raw" })) as { payloads: unknown[] };
  assert.deepEqual(payloads[0], { metadata: { encoding: btoa("json/plain") }, data: btoa("[]") });
});

test("a lossless parser preserves the numbers of a history", async () => {
  const numbers = ["12345678901234567890", "1.10", "1e400"];
  const { workflowId } = await start("Wait", { args: readValue<Schemas["JSON"][]>(`[${numbers.join()}]`) });
  const { response } = await reader.GET(`${workflow}/history`, { params: { path: pathParams(workflowId) }, parseAs: "stream" });
  const { events } = readValue<{ events: { workflowExecutionStartedEventAttributes: { input: unknown[] } }[] }>(await response.text());
  assert.deepEqual(events[0]?.workflowExecutionStartedEventAttributes.input.map(String), numbers);
  await terminate(workflowId);
});

test("a history waits for new events", async () => {
  const { workflowId } = await start("Sleep", { args: [{ seconds: 1 }] });
  const followed = await eventsOf(workflowId, { waitNewEvent: true });
  assert.equal(followed.at(-1)?.eventType, "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED");
  assert.deepEqual(followed, await eventsOf(workflowId));
  assert.deepEqual(await eventsOf(workflowId, { eventFilterType: "CLOSE_EVENT" }), followed.slice(-1));
});

/** The events of all runs of a workflow that follow the event with the id last. */
async function followEvents(workflowId: string, last?: string, query: Query = {}): Promise<{ status: number; events: SentEvent[] }> {
  const { response } = await flowgate.GET(`${workflow}/history`, {
    params: { path: pathParams(workflowId), query },
    headers: { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) },
    parseAs: "stream",
  });
  const events: SentEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return { status: response.status, events };
}

test("events cover all runs, and resume after any event", async () => {
  const { workflowId, runId } = await start("Chain", { args: [{ times: 2 }] });
  const { events } = await followEvents(workflowId, undefined, { runId });
  const end = events.pop();
  const last = events.at(-1);
  assert.deepEqual(end?.data, { workflowId, runId: last?.id.split("/")[0], status: "COMPLETED" });
  const runs = [...new Set(events.map((event) => event.id.split("/")[0] ?? ""))];
  assert.equal(runs.length, 3);
  const paged = (await Promise.all(runs.map((runId) => eventsOf(workflowId, { runId })))).flat();
  assert.deepEqual(events.map((event) => event.data), paged);

  const half = Math.floor(events.length / 2);
  assert.deepEqual((await followEvents(workflowId, events[half]?.id)).events, [...events.slice(half + 1), end]);
  assert.deepEqual(await followEvents(workflowId, last?.id), { status: 204, events: [] });
  assert.equal((await followEvents(workflowId, "not/one")).status, 400);
});

test("a page token of another run is rejected", async () => {
  const { workflowId } = await start("Wait");
  const [page] = await pagesOf(await runToCompletion(), { pageSize: 1 });
  const pageToken = page?.nextPageToken ?? "";
  assert.ok(pageToken);
  const rejected = await problemOf(reader.GET(`${workflow}/history`, { params: { path: pathParams(workflowId), query: { pageToken } } }));
  assert.deepEqual([rejected.response.status, rejected.code], [400, "invalid-page-token"]);
  await terminate(workflowId);
});
