// Runs the activity importRows for the task queue in the first argument, without a dependency. See README.md.
const api = `${process.env.FLOWGATE_URL}/v1/namespaces/default`;
const headers = { Authorization: `Bearer ${process.env.FLOWGATE_KEY}`, "Content-Type": "application/json" };
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let stopping = false;
process.on("SIGTERM", () => (stopping = true)); // a poll and its task end before the worker stops

// call sends a request until there is a response that does not ask for a retry. It returns its status and body.
async function call(path, body) {
  for (;;) {
    let response;
    try {
      response = await fetch(`${api}/${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await response.text();
      if (![429, 502, 503, 504].includes(response.status)) return [response.status, JSON.parse(text || "{}")];
    } catch {
      response = undefined; // the connection was lost: send the same request again
    }
    await sleep(Number(response?.headers.get("Retry-After") ?? 1) * 1000);
  }
}

// importRows imports a file row by row, from the row that the previous attempt has reported.
async function importRows({ taskToken, attempt, args = [], heartbeatDetails = [0] }) {
  if (args.length !== 2) {
    const failure = { message: "the arguments must be a file and a number of rows", type: "BadArguments", nonRetryable: true };
    await call("activities:fail", { taskToken, failure });
    return;
  }
  const [file, rows] = args;
  let [row] = heartbeatDetails;
  console.log(`${file}: attempt ${attempt} from row ${row}`);
  while (row < rows) {
    await sleep(100); // the import of one row
    row++;
    const [status, state] = await call("activities:heartbeat", { taskToken, details: [row] });
    if (state.cancelRequested) {
      await call("activities:reportCancellation", { taskToken, details: [row] });
      console.log(`${file}: cancelled`);
      return;
    }
    if (status !== 200) {
      console.log(`${file}: stopped by ${status}`);
      return;
    }
  }
  const [status] = await call("activities:complete", { taskToken, result: { rows: row, worker: "node" } });
  console.log(`${file}: complete with ${status}`);
}

const queue = process.argv[2];
while (!stopping) {
  const poll = `task-queues/${encodeURIComponent(queue)}/activities:poll?wait=20s`;
  const [status, body] = await call(poll, { identitySuffix: `node-${process.pid}` });
  if (status === 200) {
    await importRows(body);
  } else if (status !== 204) {
    throw new Error(JSON.stringify(body));
  }
}
