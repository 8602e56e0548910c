package upstream

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unreservedBytes is the maximum size of a response, in bytes, that a read call
// receives without a reservation. A larger response is not received: the gateway
// reserves memory and repeats the call. It cannot reserve memory beforehand, because
// the size of a response is known only when it arrives, and it cannot receive every
// response, because many calls may receive a response of the maximum size at once.
const unreservedBytes = 1 << 20

// growthDivisor determines the margin of a reservation, one 16th of the size of the
// response: the response may be larger when the call is repeated.
const growthDivisor = 16

// receiveOptions returns the options of a call whose response has at most limit bytes.
func receiveOptions(limit int) []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodecV2(wireCodec{}), grpc.MaxCallRecvMsgSize(limit)}
}

// initialLimit returns the maximum response size of the first attempt, in bytes.
func (s *server) initialLimit(memory MemoryReserver) int {
	if memory == nil {
		return s.options.MaxResponseBytes
	}
	return min(s.options.MaxResponseBytes, max(unreservedBytes, memory.Reserved()))
}

// callOptions returns the options of the next attempt.
func (s *server) callOptions(call *outboundCall) []grpc.CallOption {
	options := s.sizeOptions(call)
	if call.server != nil {
		return append(slices.Clip(options), grpc.Peer(call.server))
	}
	return options
}

// sizeOptions returns the options for the maximum size of the response.
func (s *server) sizeOptions(call *outboundCall) []grpc.CallOption {
	switch call.limit {
	case s.options.MaxResponseBytes:
		return s.maxOptions
	case unreservedBytes:
		return s.unreservedOptions
	default:
		return receiveOptions(call.limit)
	}
}

// oversize returns the size, in bytes, of a response that was not received because it
// is larger than call.limit. It returns zero if the attempt ended in another way, or
// if the response is larger than the gateway ever accepts. The error for a compressed
// response has no size; oversize then returns the maximum.
func (s *server) oversize(call *outboundCall, err error) int {
	if err == nil || call.limit >= s.options.MaxResponseBytes {
		return 0
	}
	st := status.Convert(err)
	if !responseTooLarge(st, call.limit) || strings.Contains(st.Message(), sendTooLarge) {
		return 0
	}
	var size, limit int
	if _, err := fmt.Sscanf(st.Message(), "grpc: received message larger than max (%d vs. %d)", &size, &limit); err != nil {
		return s.options.MaxResponseBytes
	}
	if size > s.options.MaxResponseBytes {
		return 0
	}
	return size
}

// reserve reserves memory for a response of the given size, in bytes, and raises
// call.limit accordingly. The limit at least doubles, so that the call is repeated
// only a few times.
func (s *server) reserve(ctx context.Context, call *outboundCall, size int) error {
	call.limit = min(max(size+size/growthDivisor, 2*call.limit), s.options.MaxResponseBytes)
	call.memoryErr = call.memory.Reserve(ctx, call.limit)
	return call.memoryErr
}

// responseTooLarge reports whether a response exceeded the given limit or the
// server's send limit. It returns false for a request that exceeded the server's
// receive limit, for which gRPC returns the same code.
func responseTooLarge(st *status.Status, limit int) bool {
	message := strings.TrimPrefix(st.Message(), "grpc: ")
	return st.Code() == codes.ResourceExhausted && (strings.HasPrefix(message, sendTooLarge) ||
		strings.HasSuffix(message, fmt.Sprintf("larger than max %d", limit)) ||
		strings.HasSuffix(message, fmt.Sprintf("vs. %d)", limit)))
}
