// Workflow ids can have any character, and different strings are different ids.
import assert from "node:assert/strict";
import test from "node:test";
import { waitForOutcome, unwrap, type Schemas } from "./flowgate.js";
import { describe, flowgate, getLocation, namespace, newId, start, taskQueue, terminate, workflow, workflows } from "./setup.js";

for (const suffix of ["a/b", "a%2Fb", "a%252Fb", "a b", "a+b", "ü?#&=;"]) {
  test(`an id with ${suffix} works in the path and in a query parameter`, async () => {
    const { workflowId, runId } = await start("Wait", { workflowId: `${newId()}/${suffix}` });
    const byPath = await describe(workflowId);
    const byParameter = unwrap(await flowgate.GET(workflow, { params: { path: { namespace, workflowId: "-" }, query: { workflowId } } }));
    for (const described of [byPath, byParameter]) {
      assert.deepEqual([described.workflowId, described.runId], [workflowId, runId]);
    }
    await terminate(workflowId);
  });
}

// Every URL parser removes these ids from a path, so the requests have them in the query parameter workflowId.
for (const workflowId of [".", ".."]) {
  test(`the id ${workflowId} works in a query parameter`, async () => {
    const { response, data } = await flowgate.POST(workflows, {
      params: { path: { namespace } },
      body: { workflowType: "Wait", workflowId, taskQueue, idConflictPolicy: "TERMINATE_EXISTING" },
    });
    const runId = data?.runId ?? "";
    assert.equal((await getLocation<Schemas["WorkflowDescription"]>(response)).runId, runId);

    const params = { path: { namespace, workflowId: "-" }, query: { workflowId } };
    assert.equal(unwrap(await flowgate.GET(workflow, { params })).runId, runId);
    const state = await flowgate.GET(`${workflow}/query`, { params: { ...params, query: { workflowId, query: "state" } } });
    assert.equal(state.data?.result, "waiting");
    const echo = await flowgate.POST(`${workflow}/query`, { params, body: { query: "echo", args: [1] } });
    assert.equal(echo.data?.result, 1);
    assert.equal(unwrap(await flowgate.GET(`${workflow}/metadata`, { params })).definition?.type, "Wait");
    unwrap(await flowgate.POST(`${workflow}/cancel`, { params }));
    const result = await flowgate.GET(`${workflow}/result`, { params: { ...params, query: { workflowId, wait: "30s" } } });
    assert.deepEqual([result.data?.runId, result.data?.status], [runId, "CANCELED"]);
  });
}

test("an outcome is available for an id with reserved characters", async () => {
  const { workflowId, runId } = await start("Echo", { workflowId: newId("a/b%2F c"), args: [1] });
  assert.deepEqual((await waitForOutcome(flowgate, namespace, workflowId, runId)).result, [1]);
});
