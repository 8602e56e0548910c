// Package helm tests the chart in the directory flowgate.
//
// The tests render it with the engines of Helm 3 and 4, decode the objects by the types of the Kubernetes API, and check
// the configuration by the gateway. They need no cluster.
package helm
