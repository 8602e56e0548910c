package upstream

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unreservedBytes is the largest response that a call which only reads receives
// without room for it. The size of a response is known when it arrives, and by
// then many calls may have one that is as large as a response can be. So a larger
// response is not received: room for it is reserved first, and the call made
// again.
const unreservedBytes = 1 << 20

// spareBytes is the part of a response, one in so many, by which it may have
// grown when the call is made again.
const spareBytes = 16

// callOptions are the options of a call whose response has at most limit bytes.
func callOptions(limit int) []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodecV2(wireCodec{}), grpc.MaxCallRecvMsgSize(limit)}
}

// limitOf returns the size of the largest response that a call receives at first.
func (s *server) limitOf(room Room) int {
	if room == nil {
		return s.options.MaxResponseBytes
	}
	return min(s.options.MaxResponseBytes, max(unreservedBytes, room.Reserved()))
}

// callOptions are the options of the next attempt.
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

// oversize returns the size of a response that was not received because it has
// no room yet, in bytes, and zero if that is not how an attempt ended. The size
// of one that is compressed is not known: then it is the largest there is.
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

// reserve reserves room for a response of so many bytes. The limit of a call at
// least doubles, so that its repetitions have an end.
func (s *server) reserve(ctx context.Context, call *outboundCall, size int) error {
	call.limit = min(max(size+size/spareBytes, 2*call.limit), s.options.MaxResponseBytes)
	call.noRoom = call.room.Reserve(ctx, call.limit)
	return call.noRoom
}

// responseTooLarge distinguishes a response that is more than the limit that we set, or
// more than the server sends, from a request that is more than the server takes.
func responseTooLarge(st *status.Status, limit int) bool {
	message := strings.TrimPrefix(st.Message(), "grpc: ")
	return st.Code() == codes.ResourceExhausted && (strings.HasPrefix(message, sendTooLarge) ||
		strings.HasSuffix(message, fmt.Sprintf("larger than max %d", limit)) ||
		strings.HasSuffix(message, fmt.Sprintf("vs. %d)", limit)))
}
