// Package grafana has the tests of flowgate.json, the dashboard of Flowgate. To change the dashboard, edit it in Grafana and
// export it, or edit the file.
//
// Trust boundary: the tests read files of this repository and query gateways that they run on loopback.
package grafana
