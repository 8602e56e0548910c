package upstream

import "google.golang.org/grpc/mem"

// Answer is what a call answered, in the buffer that it was received in. The
// zero value is an empty one.
type Answer struct{ buffer mem.Buffer }

// Wire is the message in wire form. It is gone with [Answer.Release].
func (a Answer) Wire() []byte {
	if a.buffer == nil {
		return nil
	}
	return a.buffer.ReadOnlyData()
}

// Release gives the buffer back, for the next answer.
func (a Answer) Release() {
	if a.buffer != nil {
		a.buffer.Free()
	}
}
