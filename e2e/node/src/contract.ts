// Validates every response against the gateway's OpenAPI document, and records which operations were called.
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

type Node = { [name: string]: Node };

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const problem = "application/problem+json";
const ndjson = "application/x-ndjson";
const events = "text/event-stream";

export class Contract {
  readonly operations: ReadonlySet<string>;
  readonly called = new Set<string>();
  // A number beyond a double, such as 1e400, is valid in JSON and infinite in JavaScript.
  readonly #ajv = new Ajv2020({ strict: false, strictNumbers: false, allErrors: true });
  readonly #paths: [string, RegExp][];

  constructor(private readonly document: Node) {
    addStreamResponses(document);
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, "openapi");
    const paths = Object.entries(document["paths"] ?? {});
    this.#paths = paths.map(([path]) => [path, pattern(path)]);
    this.operations = new Set(
      paths.flatMap(([path, item]) => Object.keys(item).filter((name) => methods.includes(name)).map((name) => `${name} ${path}`)),
    );
  }

  /** Calls fetch, and fails unless the document allows the response. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const response = await globalThis.fetch(request);
    await this.#check(request, response.clone());
    return response;
  };

  async #check(request: Request, response: Response): Promise<void> {
    const text = await response.text();
    const operation = this.#operation(request);
    if (operation === undefined) {
      // The document describes no response for an unknown route, but every problem has the same schema.
      assert.ok([404, 405].includes(response.status), `${request.method} ${request.url} is not an operation of the document`);
      this.#checkValue(["components", "schemas", "Problem"], text);
      return;
    }
    this.called.add(operation.join(" "));
    assert.ok(response.headers.get("X-Request-Id"));
    const [method, path] = operation;
    const documented = this.#at(["paths", path, method, "responses"]);
    const status = String(response.status);
    const name = [status, `${status[0]}XX`, "default"].find((name) => name in documented);
    assert.ok(name, `${operation.join(" ")} returned ${status}`);
    const [location, declared] = this.#resolve(["paths", path, method, "responses", name]);
    if (declared["content"] === undefined) {
      assert.equal(text, "", `${operation.join(" ")} returned ${status} with a body`);
      return;
    }
    const type = response.headers.get("Content-Type") ?? "";
    assert.ok(type in declared["content"], `${operation.join(" ")} returned ${status} with ${type}`);
    if (type === "application/yaml") return;
    if (type === events) {
      // A schema cannot describe parts of a text. The data of an event has the schema of a line of NDJSON.
      for (const [, data] of text.matchAll(/^id: .+\ndata: (.*)$/gm)) this.#checkValue([...location, "content", ndjson, "schema"], data ?? "");
      return;
    }
    for (const value of type === ndjson ? text.split("\n").slice(0, -1) : [text]) {
      this.#checkValue([...location, "content", type, "schema"], value);
    }
    if (type === problem) {
      const { status, requestId } = JSON.parse(text) as { status: number; requestId: string };
      assert.deepEqual([status, requestId], [response.status, response.headers.get("X-Request-Id")]);
    }
  }

  #operation(request: Request): [method: string, path: string] | undefined {
    const method = request.method.toLowerCase();
    // The path is still encoded: %2F does not separate two segments.
    const { pathname } = new URL(request.url);
    const found = this.#paths.find(([path, pattern]) => pattern.test(pathname) && this.operations.has(`${method} ${path}`));
    return found && [method, found[0]];
  }

  #at(location: string[]): Node {
    let node = this.document;
    for (const name of location) {
      const next = node[name];
      assert.ok(next, `the document has no ${location.join(" ")}`);
      node = next;
    }
    return node;
  }

  #resolve(location: string[]): [string[], Node] {
    const node = this.#at(location);
    const reference: unknown = node["$ref"];
    return typeof reference === "string" ? this.#resolve(reference.replace("#/", "").split("/")) : [location, node];
  }

  #checkValue(schema: string[], text: string): void {
    const pointer = schema.map((name) => "/" + encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))).join("");
    const validate = this.#ajv.getSchema(`openapi#${pointer}`);
    assert.ok(validate, `the document has no ${schema.join(" ")}`);
    assert.ok(validate(JSON.parse(text)), `${this.#ajv.errorsText(validate.errors)}: ${text}`);
  }
}

/** Adds the responses of x-stream-responses to those of each operation. */
function addStreamResponses(document: Node): void {
  for (const operation of Object.values(document["paths"] ?? {}).flatMap((item) => Object.values(item))) {
    const responses = operation["responses"] ?? {};
    for (const [status, stream] of Object.entries(operation["x-stream-responses"] ?? {})) {
      responses[status] = { ...stream, ...responses[status] };
      if (stream["content"] !== undefined) responses[status]["content"] = { ...responses[status]["content"], ...stream["content"] };
    }
  }
}

/** A pattern for the paths of a template: a parameter is one segment that is not empty. */
function pattern(template: string): RegExp {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\{[^}]+\}/g, "[^/]+")}$`);
}
