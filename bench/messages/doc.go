// Package messages contains the responses of the instant upstream and the requests of the floor. The responses resemble
// those of a Temporal server that runs orders: memos, search attributes, links and JSON payloads have realistic places
// and sizes, because they determine the cost in a gateway.
package messages
