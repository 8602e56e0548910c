// Package load sends requests over persistent connections and measures the latency of responses. It parses as little of
// a response as possible, because it shares the machine with the measured process.
package load
