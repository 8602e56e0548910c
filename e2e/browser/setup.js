// The gateway that the tests open, and pages that are watched.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "./browser.js";

export const url = required("FLOWGATE_URL").replace(/\/$/, "");
export const key = required("FLOWGATE_KEY");
export const readerKey = required("FLOWGATE_READER_KEY");
export const namespace = process.env.FLOWGATE_NAMESPACE ?? "default";
/** Where the sample worker is. */
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
 * Gives a page with a fresh profile to a function, and fails when the page asked for anything outside the gateway (which
 * options may have at another origin), when something was against its policy, or when an error was written to the console.
 */
export async function withPage(options, use) {
  const { reports } = await watched(options, use);
  assert.deepEqual(reports, []);
}

/** Is withPage that returns what was reported. */
export async function watched({ origin = url, ...options }, use) {
  const context = await browser.newContext({ viewport: desktop, colorScheme: "light", ...options });
  const reports = [];
  await context.route(
    (asked) => asked.origin !== origin,
    (route) => {
      reports.push(`asked for ${route.request().url()}`);
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
    // The browser notes each answer of 400 or more; those are the tests' own to expect.
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
    throw new Error(`${name} is not set: run the tests by dev/cmd/with-stack`);
  }
  return value;
}
