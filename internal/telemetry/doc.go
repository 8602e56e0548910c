// Package telemetry is what the gateway tells about itself: one log line a request, metrics for Prometheus, and traces.
//
// It is written for operators, and it is the last gate before a log or a trace store. So it takes names and numbers and
// nothing of what a call carries: route templates and never paths or query strings, names of principals and never
// credentials, codes and never messages; the one exception is [Event.Detail], for the log only. What callers choose
// freely (methods, user agents) is cut or folded into a fixed set, so that no caller can grow the metrics or the log
// lines. A trace is continued from a caller's header only when the server says that the caller is authenticated, and
// baggage is never read.
//
// Nothing here fails a request. There are no globals: every part is made by its constructor and handed on.
package telemetry
