// Tests with an independent implementation of an OpenID provider.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test, type TestContext } from "node:test";
import type { Keys } from "./issuer.js";
import { eventually, Gateway, Issuer, newKey, required, type ApiResponse, type Service } from "./processes.js";

const key = required("FLOWGATE_KEY");
const taskQueue = required("FLOWGATE_TASK_QUEUE");
const workflows = `namespaces/${required("FLOWGATE_NAMESPACE")}/workflows`;

/** The gateway fetches the keys when a token has an unknown key, but at most every 30 s. */
const fetchTimeout = 45_000;

// The test of new keys waits for about a minute, so all tests run concurrently.
describe("tokens of an OpenID provider", { concurrency: true }, () => {
  describe("while the provider runs", { concurrency: true }, () => {
    let issuer: Issuer;
    let gateway: Gateway;

    before(async () => {
      issuer = await Issuer.start([newKey("RS256")]);
      gateway = await Gateway.start(issuer.url);
      await waitUntilReady(gateway);
    });
    after(async () => {
      await gateway?.stop();
      await issuer?.stop();
    });

    test("a client starts a workflow and reads its result, and the history has the name of the client", async () => {
      const token = await issuer.token();
      const body = start();
      requireStatus(await gateway.call(token, workflows, body), 201);
      const result = await gateway.call(token, `${workflows}/${body.workflowId}/result?wait=30s`);
      requireStatus(result, 200);
      assert.deepEqual((JSON.parse(result.text) as { result: unknown }).result, body.args);
      const history = await gateway.call(token, `${workflows}/${body.workflowId}/history`);
      const { events } = JSON.parse(history.text) as { events: Record<string, { identity?: string }>[] };
      assert.equal(events[0]?.["workflowExecutionStartedEventAttributes"]?.identity, "idp:writer");
    });

    test("a client with the role read can list workflows but not start them", async () => {
      const token = await issuer.token("reader");
      requireStatus(await gateway.call(token, workflows), 200);
      requireStatus(await gateway.call(token, workflows, start()), 403, "operation-forbidden");
    });

    test("a token for another audience is rejected", async () => {
      requireRejected(await gateway.call(await issuer.token("writer", "elsewhere"), workflows));
    });

    test("a token with changed claims is rejected", async () => {
      const [header, claims, signature] = (await issuer.token("reader")).split(".");
      const original = JSON.parse(Buffer.from(claims!, "base64url").toString()) as object;
      const forged = Buffer.from(JSON.stringify({ ...original, permissions: ["default:admin"] })).toString("base64url");
      requireRejected(await gateway.call([header, forged, signature].join("."), workflows));
    });

    test("a token is accepted until it expires", async () => {
      const token = await issuer.token("brief");
      requireStatus(await gateway.call(token, workflows), 200);
      await eventually(async () => requireRejected(await gateway.call(token, workflows)));
    });
  });

  test("after a fetch, the gateway accepts tokens of new keys and rejects tokens of removed keys", async (t) => {
    const [first, second, third] = [newKey("RS256"), newKey("ES256"), newKey("EdDSA")];
    let issuer = await stopAtEnd(t, Issuer.start([first]));
    const gateway = await stopAtEnd(t, Gateway.start(issuer.url));
    await waitUntilReady(gateway);
    const tokenOfFirst = await issuer.token();
    requireStatus(await gateway.call(tokenOfFirst, workflows), 200);

    issuer = await stopAtEnd(t, issuer.restart([second, first]));
    const tokenOfSecond = await issuer.token();
    await eventually(async () => requireStatus(await gateway.call(tokenOfSecond, workflows), 200), fetchTimeout);
    requireStatus(await gateway.call(tokenOfFirst, workflows), 200);

    issuer = await stopAtEnd(t, issuer.restart([third, second]));
    const tokenOfThird = await issuer.token();
    await eventually(async () => requireStatus(await gateway.call(tokenOfThird, workflows), 200), fetchTimeout);
    requireRejected(await gateway.call(tokenOfFirst, workflows));
    requireStatus(await gateway.call(tokenOfSecond, workflows), 200);
  });

  test("a gateway that has the keys accepts tokens while the provider is down", async (t) => {
    const issuer = await stopAtEnd(t, Issuer.start([newKey("ES256")]));
    const gateway = await stopAtEnd(t, Gateway.start(issuer.url));
    await waitUntilReady(gateway);
    const [used, unused] = [await issuer.token(), await issuer.token("reader")];
    requireStatus(await gateway.call(used, workflows), 200);

    const other = await stopAtEnd(t, issuer.restart([newKey("ES256")]));
    const unknownKey = await other.token();
    await other.stop();
    await eventually(async () => {
      requireRejected(await gateway.call(unknownKey, workflows));
      assert.match(await gateway.metrics(), /^flowgate_jwks_fetches_total\{.*outcome="failure".*\} [1-9]/m);
    }, fetchTimeout);
    requireStatus(await gateway.call(used, workflows), 200);
    requireStatus(await gateway.call(unused, workflows), 200);
    assert.equal(await gateway.probe("/readyz"), 200);
  });

  test("a gateway that starts while the provider is down accepts only API keys, and is ready when the provider is back", async (t) => {
    const keys: Keys = [newKey("EdDSA")];
    const issuer = await stopAtEnd(t, Issuer.start(keys));
    const token = await issuer.token();
    await issuer.stop();
    const gateway = await stopAtEnd(t, Gateway.start(issuer.url));
    const unavailable = await gateway.call(token, workflows);
    requireStatus(unavailable, 503, "jwks-unavailable");
    assert.match(unavailable.headers.get("Retry-After") ?? "", /^[1-9]\d*$/);
    requireStatus(await gateway.call(key, workflows), 200);
    assert.equal(await gateway.probe("/readyz"), 503);
    assert.equal(await gateway.probe("/livez"), 200);

    await stopAtEnd(t, issuer.restart(keys));
    await waitUntilReady(gateway);
    requireStatus(await gateway.call(token, workflows), 200);
  });
});

function start() {
  return { workflowType: "Echo", workflowId: `oidc-${randomUUID()}`, taskQueue, args: ["hello", 1] };
}

/** Stops a service at the end of a test. */
async function stopAtEnd<S extends Service>(t: TestContext, start: Promise<S>): Promise<S> {
  const service = await start;
  t.after(() => service.stop());
  return service;
}

async function waitUntilReady(gateway: Gateway): Promise<void> {
  await eventually(async () => assert.equal(await gateway.probe("/readyz"), 200));
}

function requireStatus(response: ApiResponse, status: number, code?: string): void {
  assert.deepEqual([response.status, response.code], [status, code], response.text);
}

function requireRejected(response: ApiResponse): void {
  requireStatus(response, 401, "invalid-token");
  assert.match(response.headers.get("WWW-Authenticate") ?? "", /^Bearer.*error="invalid_token"/);
}
