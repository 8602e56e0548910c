// Package prometheus has the tests of rules.yaml, the alerts and recording rules of Flowgate.
//
// Trust boundary: the tests run promtool, from Debian, on files of this directory.
package prometheus
