import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";
import { desktop, key, namespace, phone, readerKey, screenshot, taskQueue, url, withPage, withReports } from "./setup.js";
import { authorize, closeDialog, openDocs, scrollTo, tryOut } from "./swagger.js";

const wrongKey = "fg_dev_11111111111111111111111111111111";

test("withReports reports violations of the content security policy and messages of the console", async () => {
  const { reports } = await withReports({}, async (page) => {
    await page.goto(`${url}/docs/problems`);
    await page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      await fetch("https://elsewhere.example/").catch(() => {});
      console.error("a message");
    });
    assert.equal(await page.evaluate(() => window.ran), undefined);
    await page.waitForFunction(() => true);
  });
  assert.match(reports.join("\n"), /violated script-src-elem: inline/);
  assert.match(reports.join("\n"), /violated connect-src: https:\/\/elsewhere\.example/);
  assert.match(reports.join("\n"), /console: a message/);
});

test("a user enters a key, starts a workflow and reads its result", async () => {
  const workflowId = `browser-${randomUUID()}`;
  await withPage({}, async (page) => {
    await openDocs(page);
    await screenshot(page, "docs");
    await authorize(page, key);
    await screenshot(page, "docs-authorized");
    await closeDialog(page);

    const start = await tryOut(page, "startWorkflow");
    await start.parameter("namespace").fill(namespace);
    const args = '[12345678901234567890, 1.10, {"b": [], "a": [1e400, "{\\"c\\": 1}"]}]';
    await start.body.fill(`{"workflowType": "Echo", "workflowId": "${workflowId}", "taskQueue": "${taskQueue}", "args": ${args}}`);
    await screenshot(page, "docs-try-it-out");
    const started = await start.execute();
    await start.operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await screenshot(page, "docs-started");
    assert.equal(started.status, 201, started.text);
    assert.equal(JSON.parse(started.text).workflowId, workflowId);

    const result = await tryOut(page, "getWorkflowResult");
    await result.parameter("namespace").fill(namespace);
    await result.parameter("workflowId").first().fill(workflowId);
    await result.parameter("wait").fill("20s");
    const outcome = await result.execute();
    await result.operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await screenshot(page, "docs-result");
    assert.equal(outcome.status, 200, outcome.text);
    assert.ok(withoutSpace(outcome.text).includes(`"result":${withoutSpace(args)}`), outcome.text);
  });
});

test("the dialog has only one field for the key", async () => {
  await withPage({}, async (page) => {
    await openDocs(page);
    await page.locator(".auth-wrapper .authorize").click();
    assert.equal(await page.locator(".modal-ux input").count(), 1);
  });
});

for (const [name, expected, apiKey, operationId] of [
  ["wrong", { status: 401, code: "invalid-credential" }, wrongKey, "getWorkflowResult"],
  ["reader's", { status: 403, code: "operation-forbidden" }, readerKey, "cancelWorkflow"],
]) {
  test(`a ${name} key shows the ${expected.status} problem`, async () => {
    await withPage({}, async (page) => {
      await openDocs(page);
      await authorize(page, apiKey);
      await closeDialog(page);
      const call = await tryOut(page, operationId);
      await call.parameter("namespace").fill(namespace);
      await call.parameter("workflowId").first().fill("missing");
      const response = await call.execute();
      await call.operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
      await screenshot(page, `docs-${expected.status}`);
      assert.equal(response.status, expected.status, response.text);
      assert.equal(JSON.parse(response.text).code, expected.code);
    });
  });
}

test("a link to the page cannot select a document or a configuration", async () => {
  for (const query of [
    "?url=https://evil.example/spec",
    "?configUrl=https://evil.example/config.json",
    "?url=//evil.example/spec&configUrl=//evil.example/config.json",
    "?urls.primaryName=evil&validatorUrl=https://evil.example",
    "?spec=%7B%22openapi%22%3A%223.1.0%22%2C%22info%22%3A%7B%22title%22%3A%22evil%22%7D%7D",
    "?persistAuthorization=true&docExpansion=none&layout=StandaloneLayout",
  ]) {
    await withPage({}, async (page) => {
      await openDocs(page, query);
      assert.match(await page.locator(".info .title").innerText(), /^Flowgate/, query);
      assert.doesNotMatch(await page.locator("#api").innerText(), /evil/, query);
    });
  }
});

test("the key is not stored", async () => {
  await withPage({}, async (page) => {
    await openDocs(page);
    await authorize(page, key);
    await closeDialog(page);
    const stored = await page.evaluate(async () => ({
      local: { ...localStorage },
      session: { ...sessionStorage },
      databases: await indexedDB.databases(),
      cookies: document.cookie,
      address: location.href,
    }));
    assert.deepEqual(stored, { local: {}, session: {}, databases: [], cookies: "", address: `${url}/docs` });

    await openDocs(page);
    const call = await tryOut(page, "listWorkflows");
    await call.parameter("namespace").fill(namespace);
    const response = await call.execute();
    assert.equal(response.status, 401, response.text);
    assert.equal(JSON.parse(response.text).code, "unauthenticated");
  });
});

test("another document without security schemes uses the key that was entered", async () => {
  const responses = {
    "/docs/documents.json": [
      { title: "Flowgate", path: "/v1/openapi.json" },
      { title: "Without security schemes", path: "/docs/documents/other.json" },
    ],
    "/docs/documents/other.json": {
      openapi: "3.0.3",
      info: { title: "Other", version: "1" },
      servers: [{ url: "https://elsewhere.example/" }],
      paths: { [`/v1/namespaces/${namespace}/client`]: { get: { operationId: "other", responses: { 200: { description: "OK" } } } } },
    },
  };
  await withPage({}, async (page) => {
    for (const [path, response] of Object.entries(responses)) {
      await page.route(url + path, (route) => route.fulfill({ json: response }));
    }
    await openDocs(page);
    await authorize(page, key);
    await closeDialog(page);
    await page.locator("#documents").selectOption("Without security schemes");
    await page.locator(".info .title", { hasText: "Other" }).waitFor();
    const call = await tryOut(page, "other");
    const response = await call.execute();
    await screenshot(page, "docs-other-document");
    assert.equal(response.status, 200, response.text);
  });
});

test("the document of the Temporal HTTP API uses the key that was entered", async () => {
  await withPage({}, async (page) => {
    await openDocs(page);
    await authorize(page, key);
    await closeDialog(page);
    await page.locator("#documents").selectOption("Temporal HTTP API");
    await page.locator(".info .title", { hasText: "Temporal HTTP API" }).waitFor();
    const operation = await scrollTo(page, "StartWorkflowExecution");
    assert.equal(withoutSpace(await operation.locator(".opblock-summary-path").innerText()), "/namespaces/{namespace}/workflows/{workflowId}");
    await operation.locator(".opblock-summary-control").click();
    await operation.locator('tr[data-param-name="workflowId"]').waitFor();
    await screenshot(page, "docs-temporal");
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.locator(".auth-wrapper .authorize").click();
    assert.equal(await page.locator(".modal-ux input").count(), 0, "the dialog must not request the key again");
    assert.match(await page.locator(".modal-ux").innerText(), /Authorized/);
  });
});

test("the type of a problem links to the section about it", async () => {
  await withPage({}, async (page) => {
    await page.goto(`${url}/docs/problems#workflow-already-started`);
    const section = page.locator("#workflow-already-started");
    const { y } = await section.boundingBox();
    assert.ok(y >= 0 && y < desktop.height / 2, `the section is at ${y}`);
    assert.ok(await section.evaluate((element) => element.matches(":target")));
    assert.match(await section.innerText(), /409/);
    await screenshot(page, "problems-workflow-already-started");
    await page.goto(`${url}/docs/problems`);
    await screenshot(page, "problems");
  });
});

test("the pages fit a narrow screen and support a dark color scheme", async () => {
  for (const [name, options] of [
    ["narrow", { viewport: phone }],
    ["dark", { colorScheme: "dark" }],
  ]) {
    await withPage(options, async (page) => {
      await openDocs(page);
      await screenshot(page, `docs-${name}`);
      assert.ok(await fits(page), `/docs, ${name}`);
      await page.locator(".opblock-summary-control").first().click();
      await page.locator(".opblock .try-out__btn").scrollIntoViewIfNeeded();
      await screenshot(page, `docs-operation-${name}`);
      assert.ok(await fits(page), `/docs with an operation, ${name}`);
      await page.goto(`${url}/docs/problems#rate-limited`);
      await screenshot(page, `problems-${name}`);
      assert.ok(await fits(page), `/docs/problems, ${name}`);
    });
  }
});

/** Reports whether the page fits without horizontal scrolling. */
function fits(page) {
  return page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
}

function withoutSpace(text) {
  return text.replaceAll(/\s/g, "");
}
