package upstream

import (
	"hash/maphash"

	"github.com/flowgate/flowgate/internal/cache"
)

// responseSizes has the sizes, in bytes, of recent large responses, by request. Before a read call with an equal
// request, the gateway reserves that size. Otherwise the server would prepare every large response twice, and a caller
// at its memory limit could make the server prepare responses that are never received.
//
// Trust boundary: callers choose the requests. The seed is random, so a caller cannot construct two requests with the
// same key. A size that is wrong costs one more call or a reservation that shrinks when the response arrives.
type responseSizes struct {
	seed  maphash.Seed
	sizes *cache.TwoGeneration[uint64, int]
}

// maxResponseSizes limits the number of requests whose response size is stored.
const maxResponseSizes = 4096

func newResponseSizes() responseSizes {
	return responseSizes{maphash.MakeSeed(), cache.NewTwoGeneration[uint64, int](maxResponseSizes)}
}

func (s responseSizes) key(call *outboundCall) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(call.method)
	_, _ = h.Write(call.request)
	return h.Sum64()
}

// expected returns the size of the last response to an equal call, or zero if it is unknown or needs no reservation.
func (s responseSizes) expected(call *outboundCall) int {
	if call.memory == nil {
		return 0
	}
	size, _ := s.sizes.Get(s.key(call))
	return size
}

// observe records the size of a response that exceeds unreservedBytes or for which memory was reserved.
func (s responseSizes) observe(call *outboundCall, size int) {
	switch {
	case call.memory == nil:
	case size > unreservedBytes:
		s.sizes.Put(s.key(call), size)
	case call.limit > unreservedBytes: // the response was stored as large, and has shrunk
		s.sizes.Put(s.key(call), 0)
	}
}
