// Package measure performs a benchmark run: it starts the upstream and the targets, applies the same load to one target
// after the other, and collects the cost of each request.
package measure
