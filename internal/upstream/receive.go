package upstream

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unreservedBytes is the maximum size of a response, in bytes, that a read receives
// without a reservation. The size of a response is known only when it arrives, and
// many calls may receive a maximal response at the same time. So a larger response
// is not received: the gateway reserves memory first and repeats the call.
const unreservedBytes = 1 << 20

// growthDivisor sets how much larger a response may be when the call is repeated: by
// one 16th of its size.
const growthDivisor = 16

// callOptions returns the options of a call whose response has at most limit bytes.
func callOptions(limit int) []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodecV2(wireCodec{}), grpc.MaxCallRecvMsgSize(limit)}
}

// limitOf returns the maximum response size of the first attempt, in bytes.
func (s *server) limitOf(room Room) int {
	if room == nil {
		return s.options.MaxResponseBytes
	}
	return min(s.options.MaxResponseBytes, max(unreservedBytes, room.Reserved()))
}

// callOptions returns the options of the next attempt.
func (s *server) callOptions(call *outboundCall) []grpc.CallOption {
	switch call.limit {
	case s.options.MaxResponseBytes:
		return s.full
	case unreservedBytes:
		return s.unreserved
	default:
		return callOptions(call.limit)
	}
}

// oversize returns the size in bytes of a response that was not received because it
// needs more room. It returns zero if the attempt ended differently. The size of a
// compressed response is not known; the maximum is assumed.
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

// reserve reserves room for a response of the given size in bytes. The limit of the
// call at least doubles, which bounds the number of repetitions.
func (s *server) reserve(ctx context.Context, call *outboundCall, size int) error {
	call.limit = min(max(size+size/growthDivisor, 2*call.limit), s.options.MaxResponseBytes)
	call.noRoom = call.room.Reserve(ctx, call.limit)
	return call.noRoom
}

// responseTooLarge reports whether a response exceeded the given limit or the
// server's send limit. It is false for a request that exceeded the server's receive
// limit, which has the same code.
func responseTooLarge(st *status.Status, limit int) bool {
	message := strings.TrimPrefix(st.Message(), "grpc: ")
	return st.Code() == codes.ResourceExhausted && (strings.HasPrefix(message, sendTooLarge) ||
		strings.HasSuffix(message, fmt.Sprintf("larger than max %d", limit)) ||
		strings.HasSuffix(message, fmt.Sprintf("vs. %d)", limit)))
}
