// A client of Flowgate. Its types are generated from the OpenAPI document, so a request that the document does not
// allow does not compile.
import createClient, { type Client } from "openapi-fetch";
import { parse, stringify } from "lossless-json";
import type { components, paths } from "./openapi.gen.js";

export type Schemas = components["schemas"];
export type Flowgate = Client<paths>;

/** Returns a client. Without a key, its requests have no credential. */
export function connect(url: string, key?: string, fetch: (request: Request) => Promise<Response> = globalThis.fetch): Flowgate {
  return createClient<paths>({
    baseUrl: url,
    fetch,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    // Numbers that readValue parsed are written unchanged.
    bodySerializer: (body) => stringify(body) ?? "",
    // The filter searchAttribute is an object whose members are parameters of their own.
    querySerializer: { object: { style: "form", explode: true } },
  });
}

/** A problem document. Programs switch on its code. */
export class FlowgateError extends Error {
  override name = "FlowgateError";
  readonly code: string;

  constructor(
    readonly problem: Schemas["Problem"],
    readonly response: Response,
  ) {
    super(`${problem.status} ${problem.code}: ${problem.detail ?? problem.title}`);
    this.code = problem.code;
  }
}

/** Returns the data of a response, or throws its problem. The outcome of a failed workflow is data. */
export function unwrap<Data>(result: {
  data?: Data;
  error?: Schemas["Problem"] | Schemas["Outcome"] | Schemas["StartedWorkflow"] | Schemas["WorkflowUpdate"] | Schemas["UpdatedWithStart"];
  response: Response;
}): Data {
  if (result.error !== undefined) {
    if ("code" in result.error) throw new FlowgateError(result.error, result.response);
    throw new Error(`unexpected status of an outcome: ${result.response.status}`);
  }
  // Data is undefined, as its type says, if a response has no body.
  return result.data as Data;
}

/**
 * Parses JSON without loss. JSON.parse converts all numbers to doubles; here a number remains text until it is
 * converted. To apply it to a response, send the request with `parseAs: "stream"`, which leaves the body unread.
 */
export function readValue<Value>(text: string): Value {
  return parse(text) as Value;
}

/** Waits for the outcome of a run without a time limit: repeats the request each time that its wait times out. */
export async function waitForOutcome(flowgate: Flowgate, namespace: string, workflowId: string, runId: string): Promise<Schemas["Outcome"]> {
  for (;;) {
    const { response, ...result } = await flowgate.GET("/v1/namespaces/{namespace}/workflows/{workflowId}/result", {
      params: { path: { namespace, workflowId }, query: { runId, wait: "50s" } },
    });
    const outcome = unwrap({ response, ...result });
    if (response.status === 200) return outcome;
  }
}

/** The items of a stream, one per line of NDJSON. A chunk from the network may end within a line. */
export async function* readLines<Line>(response: Response): AsyncGenerator<Line> {
  let rest = "";
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

/** An event of a stream. A later stream can resume after its id. */
export interface SentEvent {
  id: string;
  type: string;
  data: unknown;
}

/** Reads the events of a stream from fetch, which can send a key. A browser's EventSource cannot send one. */
export async function* readEvents(response: Response): AsyncGenerator<SentEvent> {
  if (!response.ok || response.body === null) return; // a problem, or 204 because no event follows the last one
  let rest = "";
  let fields: Record<string, string> = {};
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [name = "", ...value] = line.split(": ");
      if (line !== "") {
        fields[name] = value.join(": ");
        continue;
      }
      const { id = "", event = "message", data } = fields;
      if (data !== undefined) yield { id, type: event, data: JSON.parse(data) };
      fields = {};
    }
  }
}
