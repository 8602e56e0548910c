// Package temporalhttp compares the gateway's Temporal HTTP API with the original. Every request goes to Temporal's own
// HTTP API and to the gateway in front of the same server. Both responses must be equal, except for the documented
// differences, which are in one table with their reasons.
//
// The methods are read from the google.api.http rules of the linked API, with all bindings of each. A method without an
// example is a failure. So is an example with an unexpected status of Temporal, because it no longer tests its subject.
//
// Reads go to the same resource on both servers, and the whole responses are compared. Writes go to a pair of resources
// with different ids, and are compared after masking the few members that must differ.
//
// TestDocumentedDifferences checks both sides of each difference: Temporal must still behave as documented, and the
// gateway as intended.
//
// With the flag -alone, Temporal is compared with itself, which validates the examples and the masked members without a
// gateway.
package temporalhttp
