package upstream

import (
	"hash/maphash"

	"github.com/flowgate/flowgate/internal/cache"
)

// responseSizes has the sizes, in bytes, of recent large responses by request. An equal read reserves that size before
// its call. Without it every large read makes the server prepare the response twice, and a caller without room makes it
// prepare responses that nobody receives.
//
// Trust boundary: callers choose the requests. The seed is random, so a caller cannot construct two requests with the
// same key. A size that is wrong costs one more call or a reservation that shrinks when the response arrives.
type responseSizes struct {
	seed  maphash.Seed
	sizes *cache.TwoGeneration[uint64, int]
}

// maxResponseSizes is the maximum number of sizes.
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

// expected returns the size of the response that an equal call had, or zero if it is unknown or needs no reservation.
func (s responseSizes) expected(call *outboundCall) int {
	if call.room == nil {
		return 0
	}
	size, _ := s.sizes.Get(s.key(call))
	return size
}

// observe records the size of a response that exceeds unreservedBytes or for which room was reserved.
func (s responseSizes) observe(call *outboundCall, size int) {
	switch {
	case call.room == nil:
	case size > unreservedBytes:
		s.sizes.Put(s.key(call), size)
	case call.limit > unreservedBytes: // it was large before
		s.sizes.Put(s.key(call), 0)
	}
}
