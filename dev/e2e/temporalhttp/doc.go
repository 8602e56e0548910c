// Package temporalhttp compares the gateway's Temporal HTTP API with Temporal's own. The tests send every request to
// Temporal's HTTP API and to a gateway in front of the same server. Both responses must be equal, except for the
// documented differences, which are in one table with their reasons.
//
// The tests read the methods and their bindings from the google.api.http rules of the linked API. A method without an
// example is a failure. So is an example for which Temporal returns an unexpected status, because the example then
// tests something else.
//
// A read requests the same resource from both, and the complete responses are compared. A write changes a pair of equal
// resources with different ids, one through each, and the responses are compared without the few members that must
// differ.
//
// TestDocumentedDifferences checks both sides of each difference: Temporal must behave as documented, and the gateway
// as intended.
//
// With the flag -alone, the tests compare Temporal with itself, without a gateway. This validates the examples and the
// lists of members that may differ.
package temporalhttp
