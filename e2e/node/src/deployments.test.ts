// Worker deployments: a version is current or ramping, has metadata, and is deleted.
import assert from "node:assert/strict";
import test from "node:test";
import { readLines, unwrap, type Schemas } from "./flowgate.js";
import { eventually, flowgate, namespace, newId, problemOf, reader } from "./setup.js";

const deployments = "/v1/namespaces/{namespace}/deployments";
const deployment = `${deployments}/{name}` as const;
const version = `${deployment}/versions/{buildId}` as const;
// No worker of these versions exists.
const withoutWorkers = { allowNoPollers: true, ignoreMissingTaskQueues: true };

function setCurrent(name: string, buildId: string | null, header: { "If-Match"?: string } = {}) {
  return flowgate.PUT(`${deployment}/current-version`, { params: { path: { namespace, name }, header }, body: { buildId, ...withoutWorkers } });
}

async function create(): Promise<string> {
  const name = newId("deployment");
  unwrap(await setCurrent(name, "1.0"));
  return name;
}

async function describe(name: string): Promise<Schemas["Deployment"] & { etag: string }> {
  const { response, ...result } = await reader.GET(deployment, { params: { path: { namespace, name } } });
  return { ...unwrap({ response, ...result }), etag: response.headers.get("ETag") ?? "" };
}

test("workflows are routed to a version", async () => {
  const name = await create();
  const before = await describe(name);
  assert.deepEqual(before.routingConfig.currentVersion, { deploymentName: name, buildId: "1.0" });
  const params = { path: { namespace, name }, header: { "If-Match": before.etag } };
  unwrap(await flowgate.PUT(`${deployment}/ramping-version`, { params, body: { buildId: "2.0", percentage: 12.5, ...withoutWorkers } }));
  const { rampingVersion, rampingVersionPercentage } = (await describe(name)).routingConfig;
  assert.deepEqual([rampingVersion?.buildId, rampingVersionPercentage], ["2.0", 12.5]);
  const lost = await problemOf(setCurrent(name, "2.0", params.header));
  assert.deepEqual([lost.response.status, lost.code], [412, "deployment-changed"]);
});

test("only the manager changes a deployment", async () => {
  const name = await create();
  const params = { path: { namespace, name } };
  unwrap(await flowgate.PUT(`${deployment}/manager`, { params, body: { managerIdentity: "pipeline" } }));
  assert.equal((await describe(name)).managerIdentity, "pipeline");
  const managed = await problemOf(setCurrent(name, "2.0"));
  assert.deepEqual([managed.response.status, managed.code], [409, "conflict"]);
  unwrap(await flowgate.PUT(`${deployment}/manager`, { params, body: { managerIdentity: null } }));
  assert.equal((await describe(name)).managerIdentity, undefined);
});

test("a version has metadata", async () => {
  const name = await create();
  const params = { path: { namespace, name, buildId: "1.0" } };
  const upsertEntries = { commit: "5f0e7c3a", build: 7 };
  assert.deepEqual(unwrap(await flowgate.PATCH(`${version}/metadata`, { params, body: { upsertEntries } })), { metadata: upsertEntries });
  const described = unwrap(await reader.GET(version, { params: { ...params, query: { reportTaskQueueStats: true } } }));
  assert.deepEqual([described.buildId, described.metadata, described.taskQueues], ["1.0", upsertEntries, []]);
  const left = unwrap(await flowgate.PATCH(`${version}/metadata`, { params, body: { removeEntries: ["build"] } }));
  assert.deepEqual(left, { metadata: { commit: "5f0e7c3a" } });
});

test("a deployment is listed and deleted", async () => {
  const name = await create();
  const params = { path: { namespace, name } };
  const listed = async () => {
    const { response } = await reader.GET(deployments, { params: { path: { namespace } }, headers: { Accept: "application/x-ndjson" }, parseAs: "stream" });
    const names: string[] = [];
    for await (const line of readLines<Schemas["DeploymentSummary"]>(response)) names.push(line.name);
    return names;
  };
  await eventually(async () => (await listed()).includes(name));
  const page = unwrap(await reader.GET(deployments, { params: { path: { namespace }, query: { pageSize: 1 } } }));
  assert.equal(page.deployments.length, 1);
  const current = await problemOf(flowgate.DELETE(version, { params: { path: { ...params.path, buildId: "1.0" } } }));
  assert.deepEqual([current.response.status, current.code], [409, "conflict"]);
  unwrap(await setCurrent(name, null));
  unwrap(await flowgate.DELETE(version, { params: { path: { ...params.path, buildId: "1.0" }, query: { skipDrainage: true } } }));
  await eventually(async () => (await reader.GET(version, { params: { path: { ...params.path, buildId: "1.0" } } })).response.status === 404);
  unwrap(await flowgate.DELETE(deployment, { params }));
  await eventually(async () => (await reader.GET(deployment, { params })).response.status === 404);
});
