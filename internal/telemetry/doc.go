// Package telemetry provides one log line per request, Prometheus metrics, and traces.
//
// Trust boundary: the output is for operators, and this package is the last filter before a log or a trace store. It
// records names and numbers but no content of a call: route templates but not paths or query strings, names of
// principals but not credentials, codes but not messages. The only exception is [Event.Detail], which goes to the log.
// Values that callers choose freely (methods, user agents) are truncated or mapped to a fixed set, so that no caller
// can grow the metrics or the log lines without bound. A caller's trace context is used only if the caller is
// authenticated, and baggage is never read.
//
// Failure posture: telemetry never fails a request.
package telemetry
