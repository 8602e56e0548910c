// A reporter that writes the format of `go test -v`, for the summary of make test.
import { inspect } from "node:util";
import type { TestEvent } from "node:test/reporters";

export default async function* goStyle(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    switch (type) {
      case "test:start":
        yield `=== RUN   node/${data.name}\n`;
        break;
      case "test:pass":
        yield line(data.skip === undefined ? "PASS" : "SKIP", data.name, data.details.duration_ms);
        break;
      case "test:fail":
        yield `${inspect(data.details.error.cause ?? data.details.error)}\n`;
        yield line("FAIL", data.name, data.details.duration_ms);
        break;
    }
  }
}

function line(verdict: string, name: string, milliseconds: number): string {
  return `--- ${verdict}: node/${name} (${(milliseconds / 1000).toFixed(2)}s)\n`;
}
