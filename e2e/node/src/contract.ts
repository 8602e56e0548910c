// Holds every answer against the OpenAPI document that the gateway serves, and remembers what was called.
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
  // A number beyond a double, such as 1e400, is infinite to JavaScript and a good number in JSON.
  readonly #ajv = new Ajv2020({ strict: false, strictNumbers: false, allErrors: true });
  readonly #paths: [string, RegExp][];

  constructor(private readonly document: Node) {
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, "openapi");
    const paths = Object.entries(document["paths"] ?? {});
    this.#paths = paths.map(([path]) => [path, pattern(path)]);
    this.operations = new Set(
      paths.flatMap(([path, item]) => Object.keys(item).filter((name) => methods.includes(name)).map((name) => `${name} ${path}`)),
    );
  }

  /** Fetches, and fails unless the document allows the answer. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const response = await globalThis.fetch(request);
    await this.#check(request, response.clone());
    return response;
  };

  async #check(request: Request, response: Response): Promise<void> {
    const text = await response.text();
    const operation = this.#operation(request);
    if (operation === undefined) {
      // The document has no place for an answer to what is not in it, but every problem looks alike.
      assert.ok([404, 405].includes(response.status), `${request.method} ${request.url} is in no operation of the document`);
      this.#checkValue(["components", "schemas", "Problem"], text);
      return;
    }
    this.called.add(operation.join(" "));
    assert.ok(response.headers.get("X-Request-Id"));
    const [method, path] = operation;
    const documented = this.#at(["paths", path, method, "responses"]);
    const status = String(response.status);
    const name = [status, `${status[0]}XX`, "default"].find((name) => name in documented);
    assert.ok(name, `${operation.join(" ")} answered ${status}`);
    const [where, answer] = this.#resolve(["paths", path, method, "responses", name]);
    if (answer["content"] === undefined) {
      assert.equal(text, "", `${operation.join(" ")} answered ${status} with a body`);
      return;
    }
    const type = response.headers.get("Content-Type") ?? "";
    assert.ok(type in answer["content"], `${operation.join(" ")} answered ${status} with ${type}`);
    if (type === "application/yaml") return;
    if (type === events) {
      // The document cannot say it of a part of a text: an event's data is what a line of NDJSON is.
      for (const [, data] of text.matchAll(/^id: .+\ndata: (.*)$/gm)) this.#checkValue([...where, "content", ndjson, "schema"], data ?? "");
      return;
    }
    for (const value of type === ndjson ? text.split("\n").slice(0, -1) : [text]) {
      this.#checkValue([...where, "content", type, "schema"], value);
    }
    if (type === problem) {
      const { status, requestId } = JSON.parse(text) as { status: number; requestId: string };
      assert.deepEqual([status, requestId], [response.status, response.headers.get("X-Request-Id")]);
    }
  }

  #operation(request: Request): [method: string, path: string] | undefined {
    const method = request.method.toLowerCase();
    // The path is still encoded: %2F is no slash between two segments.
    const { pathname } = new URL(request.url);
    const found = this.#paths.find(([path, pattern]) => pattern.test(pathname) && this.operations.has(`${method} ${path}`));
    return found && [method, found[0]];
  }

  #at(where: string[]): Node {
    let node = this.document;
    for (const name of where) {
      const next = node[name];
      assert.ok(next, `the document has no ${where.join(" ")}`);
      node = next;
    }
    return node;
  }

  #resolve(where: string[]): [string[], Node] {
    const node = this.#at(where);
    const reference: unknown = node["$ref"];
    return typeof reference === "string" ? this.#resolve(reference.replace("#/", "").split("/")) : [where, node];
  }

  #checkValue(schema: string[], text: string): void {
    const pointer = schema.map((name) => "/" + encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))).join("");
    const validate = this.#ajv.getSchema(`openapi#${pointer}`);
    assert.ok(validate, `the document has no ${schema.join(" ")}`);
    assert.ok(validate(JSON.parse(text)), `${this.#ajv.errorsText(validate.errors)}: ${text}`);
  }
}

/** The paths that a template stands for: a parameter is one segment, and never empty. */
function pattern(template: string): RegExp {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\{[^}]+\}/g, "[^/]+")}$`);
}
