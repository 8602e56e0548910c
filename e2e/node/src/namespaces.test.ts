// Namespaces and their search attributes: what onboards a team.
import assert from "node:assert/strict";
import test from "node:test";
import { readLines, unwrap, type Schemas } from "./flowgate.js";
import { admin, flowgate, newId, problemOf } from "./setup.js";

const namespaces = "/v1/namespaces";
const namespace = "/v1/namespaces/{namespace}";
const attributes = `${namespace}/search-attributes` as const;

/** Registers a namespace. The administrator may use only names that start with "admin-". */
async function register(): Promise<{ path: { namespace: string } }> {
  const name = newId("admin").slice(0, 20);
  const body = { name, retention: "72h", description: "one", ownerEmail: "a@b.example", data: { k: "v" } };
  const { response, ...result } = await admin.POST(namespaces, { body });
  assert.deepEqual(unwrap({ response, ...result }), { name });
  assert.equal(response.headers.get("Location"), `${namespaces}/${name}`);
  return { path: { namespace: name } };
}

test("a namespace is registered and updated", async () => {
  const params = await register();
  const described = unwrap(await admin.GET(namespace, { params }));
  assert.deepEqual([described.name, described.retention, described.data], [params.path.namespace, "259200s", { k: "v" }]);
  const updated = unwrap(await admin.PATCH(namespace, { params, body: { description: "two", retention: "48h" } }));
  assert.deepEqual([updated.description, updated.ownerEmail, updated.retention], ["two", "a@b.example", "172800s"]);
  const exists = await problemOf(admin.POST(namespaces, { body: { name: params.path.namespace, retention: "72h" } }));
  assert.deepEqual([exists.response.status, exists.code], [409, "namespace-already-exists"]);
});

test("namespaces are listed", async () => {
  const { path } = await register();
  const names: string[] = [];
  let pageToken: string | undefined;
  do {
    const position = pageToken === undefined ? {} : { pageToken };
    const page = unwrap(await admin.GET(namespaces, { params: { query: { pageSize: 2, ...position } } }));
    names.push(...page.namespaces.map((listed) => listed.name));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  assert.ok(names.includes(path.namespace) && names.includes("default"));
  const { response } = await admin.GET(namespaces, { headers: { Accept: "application/x-ndjson" }, parseAs: "stream" });
  const streamed: string[] = [];
  for await (const line of readLines<Schemas["Namespace"]>(response)) streamed.push(line.name);
  assert.ok(streamed.includes(path.namespace));
  const forbidden = await problemOf(flowgate.GET(namespaces));
  assert.deepEqual([forbidden.response.status, forbidden.code], [403, "operation-forbidden"]);
});

test("search attributes are added and removed", async () => {
  const params = await register();
  unwrap(await admin.POST(attributes, { params, body: { attributes: { Customer: "Keyword", Items: "Int" } } }));
  const custom = async () => unwrap(await admin.GET(attributes, { params })).customAttributes;
  assert.deepEqual(await custom(), { Customer: "Keyword", Items: "Int" });
  unwrap(await admin.DELETE(`${attributes}/{name}`, { params: { path: { ...params.path, name: "Customer" } } }));
  assert.deepEqual(await custom(), { Items: "Int" });
});
