// Package messages contains the responses of the fake upstream and the requests of the floor. The responses resemble
// those of a Temporal server whose workflows process orders: they have memos, search attributes, links and JSON
// payloads of realistic sizes, because these determine the cost in a gateway.
package messages
