// Package measure performs a benchmark run. It starts the upstream and the targets, applies the same load to one target
// after the other, and records the CPU time, the allocations, the latency and the memory of requests.
package measure
