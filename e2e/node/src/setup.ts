// Clients of the gateway under test.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Contract } from "./contract.js";
import { connect, FlowgateError, unwrap, type Schemas } from "./flowgate.js";

export const url = required("FLOWGATE_URL");
export const key = required("FLOWGATE_KEY");
export const namespace = required("FLOWGATE_NAMESPACE");
/** The task queue of the sample worker. */
export const taskQueue = required("FLOWGATE_TASK_QUEUE");

export const contract = new Contract((await (await fetch(`${url}/v1/openapi.json`)).json()) as ConstructorParameters<typeof Contract>[0]);

/** Clients with the role write, with the role read, and without a credential. */
export const flowgate = connect(url, key, contract.fetch);
export const reader = connect(url, required("FLOWGATE_READER_KEY"), contract.fetch);
export const anonymous = connect(url, undefined, contract.fetch);
/** A client with the role admin on namespaces whose names start with "admin-". */
export const admin = connect(url, required("FLOWGATE_ADMIN_KEY"), contract.fetch);

export const workflows = "/v1/namespaces/{namespace}/workflows";
export const workflow = "/v1/namespaces/{namespace}/workflows/{workflowId}";

/** Returns an id that is unique to each run of each test. */
export function newId(prefix = "node"): string {
  return `${prefix}-${randomUUID()}`;
}

/** The path parameters of a workflow. */
export function pathParams(workflowId: string): { namespace: string; workflowId: string } {
  return { namespace, workflowId };
}

type Options = Omit<Schemas["StartWorkflowRequest"], "workflowType" | "workflowId" | "taskQueue">;

/** Starts a workflow on the sample worker. */
export async function start(workflowType: string, options: Options & { workflowId?: string } = {}): Promise<Schemas["StartedWorkflow"]> {
  const result = await flowgate.POST(workflows, {
    params: { path: { namespace } },
    body: { workflowType, workflowId: newId(workflowType), taskQueue, ...options },
  });
  return unwrap(result);
}

/** Starts a workflow and waits for its outcome. */
export async function execute(workflowType: string, options: Options = {}): Promise<Schemas["StartedWorkflow"]> {
  const result = await flowgate.POST(workflows, {
    params: { path: { namespace }, query: { wait: "30s" } },
    body: { workflowType, workflowId: newId(workflowType), taskQueue, ...options },
  });
  const outcome = unwrap(result);
  if (result.response.status !== 200) throw new Error(`no outcome: ${JSON.stringify(outcome)}`);
  return outcome;
}

export async function describe(workflowId: string): Promise<Schemas["WorkflowDescription"]> {
  return unwrap(await flowgate.GET(workflow, { params: { path: pathParams(workflowId) } }));
}

export async function terminate(workflowId: string): Promise<void> {
  unwrap(await flowgate.POST(`${workflow}/terminate`, { params: { path: pathParams(workflowId) } }));
}

/** Returns the problem of a failed call. Throws if the call succeeds. */
export async function problemOf(call: Promise<Parameters<typeof unwrap>[0]>): Promise<FlowgateError> {
  try {
    unwrap(await call);
  } catch (error) {
    if (error instanceof FlowgateError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

/** Requests the URL in the Location header of a response. */
export async function getLocation<Body>(response: Response, query = ""): Promise<Body> {
  const location = response.headers.get("Location");
  if (location === null) throw new Error("there is no Location");
  const request = new Request(new URL(location + query, url), { headers: { Authorization: `Bearer ${key}` } });
  return (await (await contract.fetch(request)).json()) as Body;
}

/** Polls until the condition is true: Temporal's lists are updated with a short delay. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not become true in time");
    await setTimeout(50);
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: see dev/cmd/with-stack`);
  return value;
}
