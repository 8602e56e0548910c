// The gateway under test, and pages whose errors are recorded.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "./browser.js";

export const url = required("FLOWGATE_URL").replace(/\/$/, "");
export const key = required("FLOWGATE_KEY");
export const readerKey = required("FLOWGATE_READER_KEY");
export const namespace = process.env.FLOWGATE_NAMESPACE ?? "default";
/** The task queue of the sample worker. */
export const taskQueue = process.env.FLOWGATE_TASK_QUEUE ?? "orders";

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

const screenshots = process.env.SCREENSHOTS ?? join(import.meta.dirname, "screenshots");

let browser;

export async function startBrowser() {
  await mkdir(screenshots, { recursive: true });
  browser = await launch();
}

export async function stopBrowser() {
  await browser?.close();
}

/**
 * Calls use with a page in a new profile. Fails if the page sends a request to another origin than the gateway
 * (options.origin, if set), violates its content security policy, or writes an error to the console.
 */
export async function withPage(options, use) {
  const { reports } = await withReports(options, use);
  assert.deepEqual(reports, []);
}

/** Like withPage, but returns these violations and errors instead of failing. */
export async function withReports({ origin = url, ...options }, use) {
  const context = await browser.newContext({ viewport: desktop, colorScheme: "light", ...options });
  const reports = [];
  await context.route(
    (requested) => requested.origin !== origin,
    (route) => {
      reports.push(`requested ${route.request().url()}`);
      return route.abort();
    },
  );
  await context.exposeFunction("reportViolation", (violation) => reports.push(violation));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.reportViolation(`violated ${event.effectiveDirective}: ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => reports.push(`error: ${error}`));
  page.on("console", (message) => {
    // The browser logs each response with a status of 400 or more. The tests check the status themselves.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource: the server responded with")) {
      reports.push(`console: ${message.text()}`);
    }
  });
  try {
    await use(page);
  } finally {
    await context.close();
  }
  return { reports };
}

export async function screenshot(page, name, options = {}) {
  await page.screenshot({ path: join(screenshots, `${name}.png`), ...options });
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: run the tests with dev/cmd/with-stack`);
  }
  return value;
}
