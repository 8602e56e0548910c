// Values are returned byte for byte, even those that a JavaScript number cannot represent.
import assert from "node:assert/strict";
import test from "node:test";
import { isLosslessNumber } from "lossless-json";
import { readValue, type Schemas } from "./flowgate.js";
import { contract, execute, flowgate, key, namespace, newId, taskQueue, url, workflows } from "./setup.js";

// JSON.parse and JSON.stringify change each of these except the last.
const unusual = ["12345678901234567890", "1.10", "1e400", "-0.0", `{"b":1.0,"2":[],"1":{}}`, `"<&>\\u0000é"`, "null"];

for (const arg of unusual) {
  test(`the value ${arg} is returned byte for byte`, async () => {
    const response = await contract.fetch(
      new Request(`${url}/v1/namespaces/${namespace}/workflows?wait=30s`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: `{"workflowType":"Echo","workflowId":"${newId()}","taskQueue":"${taskQueue}","args":[${arg}]}`,
      }),
    );
    const text = (await response.text()).trimEnd();
    assert.ok(text.endsWith(`"result":[${arg}]}`), text);
  });
}

test("a lossless parser preserves numbers", async () => {
  const numbers = ["12345678901234567890", "1.10", "1e400"];
  const { response } = await flowgate.POST(workflows, {
    params: { path: { namespace }, query: { wait: "30s" } },
    body: { workflowType: "Echo", workflowId: newId(), taskQueue, args: readValue<Schemas["JSON"][]>(`[${numbers.join()}]`) },
    parseAs: "stream",
  });
  const { result } = readValue<{ result: unknown[] }>(await response.text());
  assert.ok(result.every(isLosslessNumber));
  assert.deepEqual(result.map(String), numbers);
  assert.equal(BigInt(String(result[0])), 12345678901234567890n);
});

test("the order of keys is preserved", async () => {
  const { result } = await execute("Echo", { args: [{ z: 1, a: 2, m: 3 }] });
  assert.deepEqual(Object.keys((result as [object])[0]), ["z", "a", "m"]);
});

test("bytes are sent as payloads", async () => {
  const payload = { metadata: { encoding: btoa("binary/plain") }, data: Buffer.from([0, 255, 123]).toString("base64") };
  const outcome = await execute("EchoPayload", { argPayloads: [payload] });
  assert.deepEqual(outcome.resultPayload, payload);
  assert.ok(!("result" in outcome));
});

test("an absent result is distinct from null", async () => {
  assert.ok(!("result" in (await execute("EchoPayload"))));
  assert.equal((await execute("EchoPayload", { args: [null] })).result, null);
});
