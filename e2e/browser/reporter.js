// A reporter that writes the format of `go test -v`, for the summary of make test.
import { inspect } from "node:util";

export default async function* goStyle(events) {
  for await (const { type, data } of events) {
    if (type === "test:start" && data.nesting === 0) {
      yield `=== RUN   browser/${data.name}\n`;
    } else if (type === "test:pass" && data.nesting === 0) {
      yield line(data.skip === undefined ? "PASS" : "SKIP", data);
    } else if (type === "test:fail" && data.nesting === 0) {
      yield `${inspect(data.details.error.cause ?? data.details.error)}\n`;
      yield line("FAIL", data);
    } else if (type === "test:stderr" || type === "test:stdout") {
      yield data.message;
    }
  }
}

function line(verdict, { name, details }) {
  return `--- ${verdict}: browser/${name} (${(details.duration_ms / 1000).toFixed(2)}s)\n`;
}
