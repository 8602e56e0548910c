package upstreamtest

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// Handler handles a call in wire form. Its error should be a gRPC status error.
// The context ends when the client cancels the call.
type Handler func(ctx context.Context, request []byte) ([]byte, error)

// Typed converts a function with decoded messages to a handler.
func Typed[Q, R proto.Message](handle func(ctx context.Context, request Q) (R, error)) Handler {
	return func(ctx context.Context, wire []byte) ([]byte, error) {
		var none Q
		request := none.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(wire, request); err != nil {
			return nil, status.Error(codes.Internal, "upstreamtest: the request is not a message of the handler's type")
		}
		response, err := handle(ctx, request.(Q)) //nolint:forcetypeassert // New returns the same type
		if err != nil {
			return nil, err
		}
		return proto.Marshal(response)
	}
}

// Respond returns a handler that always returns the same response.
func Respond(response proto.Message) Handler {
	return func(context.Context, []byte) ([]byte, error) { return proto.Marshal(response) }
}

// Fail returns a handler that always fails with the same status.
func Fail(code codes.Code, message string, details ...protoadapt.MessageV1) Handler {
	return func(context.Context, []byte) ([]byte, error) {
		st, err := status.New(code, message).WithDetails(details...)
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
}

// InTurn returns a handler that passes the first call to the first of the handlers, the
// second call to the second, and so on. The last one also handles all further calls.
func InTurn(handlers ...Handler) Handler {
	var mu sync.Mutex
	return func(ctx context.Context, request []byte) ([]byte, error) {
		mu.Lock()
		handler := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		return handler(ctx, request)
	}
}

// Hang is a handler that does not respond until the client cancels the call.
func Hang(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// RespondWithUnknownField returns a handler whose response has about the given length, in bytes. The
// response is a valid message of any type: it has one field, of an unknown number.
func RespondWithUnknownField(length int) Handler {
	message := protowire.AppendBytes(protowire.AppendTag(nil, 15_000, protowire.BytesType), make([]byte, length))
	return func(context.Context, []byte) ([]byte, error) { return message, nil }
}
