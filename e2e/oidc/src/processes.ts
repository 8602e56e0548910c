// The processes that the tests start, and requests to them. All processes end when the tests end.
import { fork, spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { constants, openSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import type { JWK } from "oidc-provider";
import type { Client, Keys, Settings } from "./issuer.js";

/** The timeout for a process to start or to stop, and for a request. */
const timeout = 30_000;

const root = join(import.meta.dirname, "../../..");
const { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = constants;
const log = openSync(join(root, "bin/oidc.log"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);

const children = new Set<ChildProcess>();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** A process with an HTTP server. */
export class Service {
  constructor(readonly child: ChildProcess) {
    children.add(child);
  }

  /** Waits for the promise ready. Throws if the process exits first or the timeout expires. */
  protected async started<T>(ready: Promise<T>): Promise<T> {
    const late = setTimeout(timeout, "has not started in time", { ref: false });
    const ended = once(this.child, "exit").then(([code, signal]) => `ended with ${code ?? signal}`);
    const failed = Promise.race([late, ended]).then((reason) => {
      throw new Error(`${this.child.spawnargs.join(" ")} ${reason}: see bin/oidc.log`);
    });
    return Promise.race([ready, failed]);
  }

  /** Stops the process and waits for its exit. Does nothing if it has already exited. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit", { signal: AbortSignal.timeout(timeout) });
    this.child.kill();
    await ended;
    children.delete(this.child);
  }
}

/** A key for one of the algorithms that the gateway accepts by default. */
export function newKey(alg: "RS256" | "ES256" | "EdDSA"): JWK {
  const { privateKey } = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  }[alg]();
  return { ...(privateKey.export({ format: "jwk" }) as JWK), alg, use: "sig" };
}

/** An OpenID provider. */
export class Issuer extends Service {
  #port = 0;

  static async start(keys: Keys, port = 0): Promise<Issuer> {
    const issuer = new Issuer(fork(join(import.meta.dirname, "issuer.js"), { stdio: ["ignore", log, log, "ipc"] }));
    issuer.child.send({ port, keys } satisfies Settings);
    [issuer.#port] = (await issuer.started(once(issuer.child, "message"))) as [number];
    return issuer;
  }

  /** Restarts the issuer at the same URL, with the given keys. */
  async restart(keys: Keys): Promise<Issuer> {
    await this.stop();
    return Issuer.start(keys, this.#port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Requests a token with the client credentials grant. */
  async token(client: Client = "writer", audience = "flowgate"): Promise<string> {
    const response = await fetch(`${this.url}/token`, {
      method: "POST",
      headers: { Authorization: `Basic ${btoa(`${client}:secret`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials", resource: `urn:audience:${audience}` }),
      signal: AbortSignal.timeout(timeout),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the issuer returned ${response.status}: ${text}`);
    return (JSON.parse(text) as { access_token: string }).access_token;
  }
}

/** A response of the gateway. Problems have a code. */
export interface ApiResponse {
  status: number;
  headers: Headers;
  text: string;
  code: string | undefined;
}

/** A gateway that accepts the tokens of an issuer, and the API keys of the development stack. */
export class Gateway extends Service {
  #public = "";
  #admin = "";

  /** Returns when the gateway listens, which is before it is ready. */
  static async start(issuer: string): Promise<Gateway> {
    const directory = await mkdtemp(join(tmpdir(), "flowgate-oidc-"));
    try {
      const config = join(directory, "gateway.yaml"); // JSON is YAML
      await writeFile(config, JSON.stringify({
        listen: { public: "127.0.0.1:0", admin: "127.0.0.1:0", drainDelay: "0s" },
        upstream: { address: required("FLOWGATE_UPSTREAM_ADDRESS") },
        auth: {
          apiKeys: { file: join(root, "dev/stack/keys.yaml") },
          jwt: [{ name: "idp", issuer, audience: ["flowgate"], discovery: true, leeway: "1s" }],
        },
      }));
      const binary = process.env["GATEWAY_BINARY"] ?? join(root, "bin/gateway");
      // The environment is empty, because the gateway reads each FLOWGATE_ variable as a setting.
      const gateway = new Gateway(spawn(binary, ["serve", "--config", config], { env: {}, stdio: ["ignore", log, "pipe"] }));
      await gateway.started(gateway.#serving());
      return gateway;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** Reads the address of the gateway from its log. */
  #serving(): Promise<void> {
    return new Promise((resolve) => {
      createInterface({ input: this.child.stderr! }).on("line", (line) => {
        writeSync(log, `${line}\n`);
        if (!line.includes('"serving"')) return;
        const addresses = JSON.parse(line) as { public: string; admin: string };
        this.#public = `http://${addresses.public}`;
        this.#admin = `http://${addresses.admin}`;
        resolve();
      });
    });
  }

  /** Calls the API. A request with a body is a POST. */
  async call(credential: string, path: string, body?: unknown): Promise<ApiResponse> {
    const response = await fetch(`${this.#public}/v1/${path}`, {
      headers: { Authorization: `Bearer ${credential}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeout),
    });
    const text = await response.text();
    const isProblem = response.headers.get("Content-Type") === "application/problem+json";
    const code = isProblem ? (JSON.parse(text) as { code: string }).code : undefined;
    return { status: response.status, headers: response.headers, text, code };
  }

  /** The status of /readyz or /livez. */
  async probe(path: "/readyz" | "/livez"): Promise<number> {
    return (await fetch(this.#admin + path, { signal: AbortSignal.timeout(timeout) })).status;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#admin}/metrics`, { signal: AbortSignal.timeout(timeout) })).text();
  }
}

/** Polls until the assertions hold, at a rate below the gateway's limit on invalid tokens from one network. */
export async function eventually(assertions: () => Promise<void>, limit = timeout): Promise<void> {
  const deadline = Date.now() + limit;
  for (;;) {
    try {
      return await assertions();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await setTimeout(250);
  }
}

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: see dev/cmd/with-stack`);
  return value;
}
