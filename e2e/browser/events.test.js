import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import test from "node:test";
import { key, namespace, taskQueue, url, withReports } from "./setup.js";

const headers = { authorization: `Bearer ${key}` };
const workflows = `/v1/namespaces/${namespace}/workflows`;

async function call(path, body) {
  const init = body ? { method: "POST", body: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } } : { headers };
  const response = await fetch(url + path, init);
  assert.ok(response.ok, `${response.status} ${path}`);
  return response.json();
}

// Executes a workflow with three runs. Returns the path of its history, and the ids that its events have in a stream.
async function chain() {
  const workflowId = `browser-${randomUUID()}`;
  const started = await call(`${workflows}?wait=0s`, { workflowType: "Chain", workflowId, taskQueue, args: [{ times: 2 }] });
  await call(`${workflows}/${workflowId}/result?wait=30s&runId=${started.runId}`);
  const ids = [];
  for (let runId = started.runId; runId; ) {
    const { events } = await call(`${workflows}/${workflowId}/history?pageSize=1000&runId=${runId}`);
    ids.push(...events.map((event) => `${runId}/${event.eventId}`));
    runId = (await call(`${workflows}/${workflowId}/result?followRuns=false&runId=${runId}`)).newRunId;
  }
  return { path: `${workflows}/${workflowId}/history?runId=${started.runId}`, ids };
}

// A proxy to the gateway that closes each of the first event streams after a number of bytes.
async function startProxy(streamsToCut, bytesPerStream) {
  const state = { cuts: 0 };
  const { hostname, port } = new URL(url);
  const server = net.createServer((client) => {
    const gateway = net.connect(port, hostname);
    const end = () => [client, gateway].forEach((socket) => socket.destroy());
    let stream = false;
    let remaining = bytesPerStream;
    client.on("data", (data) => {
      stream ||= data.includes("text/event-stream");
      gateway.write(data);
    });
    gateway.on("data", (data) => {
      if (!stream || state.cuts === streamsToCut || data.length < remaining) {
        remaining -= data.length;
        client.write(data);
        return;
      }
      state.cuts++;
      client.write(data.subarray(0, remaining), end);
    });
    for (const socket of [client, gateway]) socket.on("close", end).on("error", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, state, close: () => server.close() };
}

test("an EventSource whose connection is cut receives each event once and in order, and stops at the end", async () => {
  const { path, ids } = await chain();
  const proxy = await startProxy(3, 3000);
  try {
    const { reports } = await withReports({ origin: proxy.url }, async (page) => {
      const requests = [];
      page.on("request", (request) => request.url().includes("/history") && requests.push(request));
      await page.goto(`${proxy.url}/docs/problems`);
      await page.setExtraHTTPHeaders(headers); // an EventSource cannot set headers
      const received = await page.evaluate(
        (path) =>
          new Promise((resolve) => {
            const received = { ids: [], ends: 0 };
            const source = new EventSource(path);
            source.onmessage = (event) => received.ids.push(event.lastEventId);
            source.addEventListener("end", () => received.ends++);
            source.onerror = () => source.readyState === EventSource.CLOSED && resolve(received); // closed by the 204
          }),
        path,
      );
      assert.deepEqual(received, { ids, ends: 1 });
      assert.equal(proxy.state.cuts, 3);
      const [first, ...later] = (await Promise.all(requests.map((request) => request.allHeaders()))).map((sent) => sent["last-event-id"]);
      assert.equal(first, undefined);
      assert.ok(later.length >= proxy.state.cuts, "the EventSource must reconnect after each cut");
      const from = later.map((id) => ids.indexOf(id));
      assert.deepEqual(from, from.toSorted((a, b) => a - b), "each request must resume after the last event received");
      assert.equal(later.at(-1), ids.at(-1), "the last request must resume after the last event, and receive 204");
    });
    const expected = "console: Failed to load resource: net::ERR_INCOMPLETE_CHUNKED_ENCODING";
    assert.deepEqual(
      reports.filter((report) => report !== expected),
      [],
    );
  } finally {
    proxy.close();
  }
});
