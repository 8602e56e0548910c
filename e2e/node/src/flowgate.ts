// A client of Flowgate: the types come from its OpenAPI document, so a call that the document does not allow does not
// compile.
import createClient, { type Client } from "openapi-fetch";
import { parse, stringify } from "lossless-json";
import type { components, paths } from "./openapi.gen.js";

export type Schemas = components["schemas"];
export type Flowgate = Client<paths>;

/** With no key the client calls as nobody. */
export function connect(url: string, key?: string, fetch: (request: Request) => Promise<Response> = globalThis.fetch): Flowgate {
  return createClient<paths>({
    baseUrl: url,
    fetch,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    // Numbers that were read with readValue are written as they were.
    bodySerializer: (body) => stringify(body) ?? "",
  });
}

/** A problem document. Programs decide by its code. */
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

/** The answer of a call that went well. A workflow that failed is an answer too. */
export function unwrap<Data>(answer: {
  data?: Data;
  error?: Schemas["Problem"] | Schemas["Outcome"] | Schemas["WorkflowUpdate"] | Schemas["UpdatedWithStart"];
  response: Response;
}): Data {
  if (answer.error !== undefined) {
    if ("code" in answer.error) throw new FlowgateError(answer.error, answer.response);
    throw new Error(`an outcome with status ${answer.response.status}`);
  }
  // An answer without a body has no data, and its type says so.
  return answer.data as Data;
}

/**
 * Reads JSON without a loss. JSON.parse makes doubles of all numbers; here a number is kept as its text until somebody
 * converts it. For answers, use it with `parseAs: "stream"`, which leaves the body to be read.
 */
export function readValue<Value>(text: string): Value {
  return parse(text) as Value;
}

/** Waits for the outcome of a run, however long it takes: a wait that runs out is asked again. */
export async function outcomeOf(flowgate: Flowgate, namespace: string, workflowId: string, runId: string): Promise<Schemas["Outcome"]> {
  for (;;) {
    const { response, ...answer } = await flowgate.GET("/v1/namespaces/{namespace}/workflows/{workflowId}/result", {
      params: { path: { namespace, workflowId }, query: { runId, wait: "50s" } },
    });
    const outcome = unwrap({ response, ...answer });
    if (response.status === 200) return outcome as Schemas["Outcome"];
  }
}

/** Each item of a stream: a line of NDJSON each, whatever pieces the network makes of them. */
export async function* readLines<Line>(response: Response): AsyncGenerator<Line> {
  let rest = "";
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

/** One of a stream. Its id tells a later stream where to go on. */
export interface SentEvent {
  id: string;
  type: string;
  data: unknown;
}

/** Each of a stream's events. A browser's own EventSource cannot send a key; this reads the same from fetch. */
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
