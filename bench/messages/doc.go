// Package messages holds what the instant upstream answers and what the floor asks. The answers look like those of a
// Temporal server that runs orders: with memos, search attributes, links and JSON payloads in the usual places and of
// the usual sizes, because that is what a gateway spends its time on.
package messages
