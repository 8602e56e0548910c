// A client of Flowgate. Its types are generated from the OpenAPI document, so a request that the document does not
// allow does not compile.
import createClient, { type Client } from "openapi-fetch";
import { parse, stringify } from "lossless-json";
import type { components, paths } from "./openapi.gen.js";

export type Schemas = components["schemas"];
export type Flowgate = Client<paths>;

/** Without a key, the client's requests have no credential. */
export function connect(url: string, key?: string, fetch: (request: Request) => Promise<Response> = globalThis.fetch): Flowgate {
  return createClient<paths>({
    baseUrl: url,
    fetch,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    // Numbers that readValue parsed are written unchanged.
    bodySerializer: (body) => stringify(body) ?? "",
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

/** The data of a successful response. The outcome of a failed workflow is also a successful response. */
export function unwrap<Data>(result: {
  data?: Data;
  error?: Schemas["Problem"] | Schemas["Outcome"] | Schemas["WorkflowUpdate"] | Schemas["UpdatedWithStart"];
  response: Response;
}): Data {
  if (result.error !== undefined) {
    if ("code" in result.error) throw new FlowgateError(result.error, result.response);
    throw new Error(`unexpected status of an outcome: ${result.response.status}`);
  }
  // A response without a body has no data, as in its type.
  return result.data as Data;
}

/**
 * Parses JSON without loss. JSON.parse converts all numbers to doubles; here a number remains text until it is
 * converted. For responses, use it with `parseAs: "stream"`, which does not read the body.
 */
export function readValue<Value>(text: string): Value {
  return parse(text) as Value;
}

/** Waits for the outcome of a run without a time limit: repeats the request each time that its wait ends. */
export async function outcomeOf(flowgate: Flowgate, namespace: string, workflowId: string, runId: string): Promise<Schemas["Outcome"]> {
  for (;;) {
    const { response, ...result } = await flowgate.GET("/v1/namespaces/{namespace}/workflows/{workflowId}/result", {
      params: { path: { namespace, workflowId }, query: { runId, wait: "50s" } },
    });
    const outcome = unwrap({ response, ...result });
    if (response.status === 200) return outcome as Schemas["Outcome"];
  }
}

/** The items of a stream: one per line of NDJSON, however the network fragments the lines. */
export async function* readLines<Line>(response: Response): AsyncGenerator<Line> {
  let rest = "";
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
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

/** The events of a stream. A browser's EventSource cannot send a key; this reads the same stream from fetch. */
export async function* readEvents(response: Response): AsyncGenerator<SentEvent> {
  if (!response.ok || response.body === null) return; // a problem, or nothing after the last event
  let rest = "";
  let fields: Record<string, string> = {};
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
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
