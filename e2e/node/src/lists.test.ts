// Listing and counting workflows.
import assert from "node:assert/strict";
import test from "node:test";
import { readLines, unwrap, type Schemas } from "./flowgate.js";
import { eventually, flowgate, namespace, newId, start, terminate, workflows } from "./setup.js";

// U+2028 does not end a line of NDJSON, although many line readers split at it.
const note = "one\u2028line";

/** Starts five workflows of one customer, two of them running, and returns the customer and the query that matches them. */
async function startFive(): Promise<{ customer: string; query: string; ids: string[] }> {
  const customer = newId("customer");
  const query = `CustomerId = '${customer}'`;
  const ids: string[] = [];
  for (const number of [0, 1, 2, 3, 4]) {
    const searchAttributes = { CustomerId: { type: "Keyword", value: customer } };
    const { workflowId } = await start("Wait", { searchAttributes, memo: { number, note } });
    if (number >= 2) await terminate(workflowId);
    ids.push(workflowId);
  }
  await eventually(async () => (await count(`${query} AND ExecutionStatus = 'Terminated'`)).count === 3);
  await eventually(async () => (await count(query)).count === 5);
  return { customer, query, ids: ids.sort() };
}

async function count(query: string): Promise<Schemas["Count"]> {
  return unwrap(await flowgate.GET(`${workflows}:count`, { params: { path: { namespace }, query: { query } } }));
}

async function stream(query: { query: string; pageSize?: number; limit?: number }): Promise<Schemas["WorkflowSummary"][]> {
  const { response } = await flowgate.GET(workflows, {
    params: { path: { namespace }, query },
    headers: { Accept: "application/x-ndjson" },
    parseAs: "stream",
  });
  assert.equal(response.headers.get("Content-Type"), "application/x-ndjson");
  const streamed: Schemas["WorkflowSummary"][] = [];
  for await (const line of readLines<Schemas["WorkflowSummary"]>(response)) streamed.push(line);
  return streamed;
}

test("filter parameters select workflows", async () => {
  const { customer, ids } = await startFive();
  const searchAttribute = { "searchAttribute.CustomerId": customer };
  for (const [status, listed] of [[["RUNNING"], 2], [["TERMINATED", "RUNNING"], 5], [["FAILED"], 0]] as const) {
    const query = { workflowType: "Wait", status: [...status], searchAttribute };
    const page = unwrap(await flowgate.GET(workflows, { params: { path: { namespace }, query } }));
    assert.equal(page.workflows.length, listed);
    for (const { workflowId } of page.workflows) assert.ok(ids.includes(workflowId));
    assert.equal(unwrap(await flowgate.GET(`${workflows}:count`, { params: { path: { namespace }, query } })).count, listed);
  }
});

test("the pages of a list have each workflow once", async () => {
  const { query, ids } = await startFive();
  const pages: Schemas["WorkflowList"][] = [];
  let pageToken: string | undefined;
  do {
    const position = pageToken === undefined ? {} : { pageToken };
    const result = await flowgate.GET(workflows, { params: { path: { namespace }, query: { query, pageSize: 2, ...position } } });
    const page = unwrap(result);
    pages.push(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  assert.deepEqual(pages.map((page) => page.workflows.length), [2, 2, 1]);
  assert.deepEqual(pages.flatMap((page) => page.workflows.map((found) => found.workflowId)).sort(), ids);
});

test("a stream has one workflow per line", async () => {
  const { query, ids } = await startFive();
  const all = await stream({ query, pageSize: 2 });
  assert.deepEqual(all.map((found) => found.workflowId).sort(), ids);
  assert.ok(all.every((found) => found.memo?.["note"] === note));
  assert.equal((await stream({ query, limit: 3 })).length, 3);
});

test("a count with GROUP BY has each group", async () => {
  const { query } = await startFive();
  const counted = await count(`${query} GROUP BY ExecutionStatus`);
  assert.equal(counted.count, 5);
  const groups = Object.fromEntries(counted.groups?.map((group) => [group.values[0], group.count]) ?? []) as unknown;
  assert.deepEqual(groups, { Running: 2, Terminated: 3 });
});
