// A reporter that writes the format of `go test -v`, for the summary of make test.
import { inspect } from "node:util";
import type { TestEvent } from "node:test/reporters";

export default async function* goStyle(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type === "test:pass" && data.details.type !== "suite") {
      yield line(data.skip === undefined ? "PASS" : "SKIP", data.name, data.details.duration_ms);
    } else if (type === "test:fail") {
      const error: Error & { failureType?: string } = data.details.error;
      // Failed tests of a suite are already reported. A suite itself fails only when its setup fails.
      if (error.failureType === "subtestsFailed") continue;
      yield `${inspect(error.cause ?? error)}\n`;
      yield line("FAIL", data.name, data.details.duration_ms);
    }
  }
}

function line(verdict: string, name: string, milliseconds: number): string {
  return `=== RUN   oidc/${name}\n--- ${verdict}: oidc/${name} (${(milliseconds / 1000).toFixed(2)}s)\n`;
}
