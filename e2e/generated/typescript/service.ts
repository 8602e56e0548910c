// What both services share.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const { FLOWGATE_URL = "", FLOWGATE_KEY = "", FLOWGATE_NAMESPACE = "", FLOWGATE_TASK_QUEUE = "" } = process.env;
export { FLOWGATE_URL as url, FLOWGATE_KEY as key, FLOWGATE_NAMESPACE as namespace, FLOWGATE_TASK_QUEUE as taskQueue };

export const newId = (): string => `typescript-${randomUUID()}`;
export const book = { sku: "book", quantity: 2, price: 1250 };
export const pen = { sku: "pen", quantity: 1, price: 300 };

/** The failure of an activity, as a service reports it. */
export const refusal = { message: "no one may approve this", type: "Refused", details: [{ by: "ann" }] };

export const cron = "30 2 * * 1-5";

/** The part of a history event that a service checks. */
type Event = { eventId: string; eventType: string };

/** Reads all pages, and returns their events in order. */
export async function allEvents(page: (pageToken?: string) => Promise<{ events: Event[]; nextPageToken?: string }>): Promise<Event[]> {
  const events: Event[] = [];
  let pages = 0;
  let pageToken: string | undefined;
  do {
    const next = await page(pageToken);
    events.push(...next.events);
    pageToken = next.nextPageToken;
    pages++;
  } while (pageToken !== undefined);
  assert.ok(pages > 1);
  return events;
}

export function checkEvents(events: Event[]): void {
  assert.deepEqual(events.map(({ eventId }) => eventId), events.map((_, i) => String(i + 1)));
  assert.equal(events.at(-1)?.eventType, "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED");
}

/** Repeats an action until it returns true: lists are updated with a short delay. */
export async function eventually(action: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await action())) {
    assert.ok(Date.now() < deadline, "the condition did not become true in time");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs a service, and ends the process with an error if it fails. */
export function run(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
