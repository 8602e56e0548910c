// Runs all tests in one process, so that the last test can check which operations they called.
import assert from "node:assert/strict";
import test from "node:test";
import { contract } from "./setup.js";
import "./start.test.js";
import "./values.test.js";
import "./ids.test.js";
import "./lists.test.js";
import "./results.test.js";
import "./running.test.js";
import "./updates.test.js";
import "./manage.test.js";
import "./schedules.test.js";
import "./activities.test.js";
import "./taskqueues.test.js";
import "./deployments.test.js";
import "./namespaces.test.js";
import "./history.test.js";
import "./tokens.test.js";
import "./gateway.test.js";
import "./problems.test.js";

test("every operation is called", () => {
  const missing = [...contract.operations].filter((operation) => !contract.called.has(operation));
  // The line "=== NAME" attributes the next line to the suite, not to this test.
  console.log(`=== NAME\nnode: operations called: ${contract.called.size} of ${contract.operations.size}`);
  console.log("=== NAME  node/every operation is called");
  assert.deepEqual(missing, [], "never called");
});
