// Package soak puts good and hostile traffic on a gateway in front of a real Temporal server for as long as one likes,
// and tells whether the gateway kept its promises: no failure but those of its table, flat memory, no goroutine left
// behind, and a caller that behaves hardly notices those who do not.
package soak
