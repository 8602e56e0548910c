// Actions of a user on the OpenAPI page.
import assert from "node:assert/strict";
import { url } from "./setup.js";

/** Opens the page and waits for its operations. */
export async function openDocs(page, query = "") {
  await page.goto(`${url}/docs${query}`);
  await page.locator(".opblock").first().waitFor();
}

/** Enters the key. */
export async function authorize(page, key) {
  await page.locator(".auth-wrapper .authorize").click();
  const field = page.locator(".modal-ux input");
  await field.fill(key);
  await page.locator(".modal-ux .auth-btn-wrapper .authorize").click();
}

export async function closeDialog(page) {
  await page.locator(".modal-ux .btn-done").click();
}

/** Scrolls to an operation. The page renders only the visible operations of a long document. */
export async function scrollTo(page, operationId) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`);
  const deadline = Date.now() + 20_000;
  while ((await operation.count()) === 0) {
    assert.ok(Date.now() < deadline, `operation ${operationId} not found`);
    await page.mouse.wheel(0, 500);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }
  return operation;
}

/** Opens the form to try out an operation. */
export async function tryOut(page, operationId) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`);
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".try-out__btn").click();
  return {
    operation,
    parameter: (name) => operation.locator(`tr[data-param-name="${name}"] input`),
    body: operation.locator(".body-param__text"),
    /** Sends the request, and returns the status and the body that the page displays. */
    async execute() {
      await operation.locator(".execute").click();
      const table = operation.locator(".live-responses-table");
      await table.waitFor();
      const status = await table.locator("tbody td.response-col_status").first().innerText();
      const text = await table.locator("tbody .highlight-code code").first().innerText();
      return { status: Number.parseInt(status, 10), text };
    },
  };
}
