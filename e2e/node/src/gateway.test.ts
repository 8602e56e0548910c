// Information about the gateway.
import assert from "node:assert/strict";
import test from "node:test";
import { unwrap } from "./flowgate.js";
import { anonymous, flowgate, namespace, reader } from "./setup.js";

test("the settings apply to the caller", async () => {
  const params = { path: { namespace } };
  const settings = unwrap(await flowgate.GET("/v1/namespaces/{namespace}/client", { params }));
  assert.deepEqual([settings.namespace, settings.principal, settings.role], [namespace, "dev", "write"]);
  assert.equal(settings.limits.maxWait, "55s");
  assert.equal(unwrap(await reader.GET("/v1/namespaces/{namespace}/client", { params })).role, "read");
});

test("system-info returns versions", async () => {
  const info = unwrap(await reader.GET("/v1/system-info"));
  assert.ok(info.gateway.version && info.server.version);
  assert.equal(info.server.capabilities["supportsSchedules"], true);
});

test("the document needs no credential", async () => {
  const document = unwrap(await anonymous.GET("/v1/openapi.json")) as { openapi: string; paths: object };
  assert.equal(document.openapi, "3.1.0");
  const text = unwrap(await anonymous.GET("/v1/openapi.yaml", { parseAs: "text" }));
  assert.ok(text.startsWith("openapi: 3.1.0\n"));
  for (const path of Object.keys(document.paths)) assert.ok(text.includes(`\n  ${path}:\n`), path);
});

test("a request id is kept", async () => {
  const { response } = await flowgate.GET("/v1/system-info", { headers: { "X-Request-Id": "checkout-7f3a" } });
  assert.equal(response.headers.get("X-Request-Id"), "checkout-7f3a");
});
