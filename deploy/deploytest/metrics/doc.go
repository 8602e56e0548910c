// Package metrics compares PromQL queries with the metrics that gateways export, for the tests of dashboards and rules.
//
// Trust boundary: it runs gateways with generated keys and certificates on loopback and must not be used outside tests. A
// query that it cannot parse, or that uses an unknown metric or label, is an error.
package metrics
