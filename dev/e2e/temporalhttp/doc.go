// Package temporalhttp holds the gateway's Temporal HTTP API against the original: every request goes to Temporal's own
// HTTP API and to the gateway in front of the same server, and both must answer the same but for the documented
// differences, which stand in one table with their reasons.
//
// The methods are not written down here: they are read from the google.api.http rules of the linked API, every binding of
// each, and a method without a case is a failure. So is a case that no longer reaches what it was written for: each says
// which status Temporal gives.
//
// What only reads is asked of the same resource on both sides, and its answers are compared whole. What changes something
// is done to two twins, which differ in their ids, and is compared after the few members that must differ were put aside.
//
// TestDocumentedDifferences holds each difference to what it is: Temporal must still behave as the table says, and the
// gateway as it should.
//
// With the flag -alone Temporal is compared with itself: it shows that the cases and what is put aside are sound without
// a gateway's help.
package temporalhttp
