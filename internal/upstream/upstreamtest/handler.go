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

// Handler answers a call in wire form. An error is best a status error; ctx
// ends when the caller goes away.
type Handler func(ctx context.Context, request []byte) ([]byte, error)

// Typed is a handler on messages.
func Typed[Q, A proto.Message](handle func(ctx context.Context, request Q) (A, error)) Handler {
	return func(ctx context.Context, wire []byte) ([]byte, error) {
		var none Q
		request := none.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(wire, request); err != nil {
			return nil, status.Error(codes.Internal, "upstreamtest: the request is no message of the handler's type")
		}
		answer, err := handle(ctx, request.(Q)) //nolint:forcetypeassert // its own New made it
		if err != nil {
			return nil, err
		}
		return proto.Marshal(answer)
	}
}

// Respond always gives the same answer.
func Respond(answer proto.Message) Handler {
	return func(context.Context, []byte) ([]byte, error) { return proto.Marshal(answer) }
}

// Fail always fails with the same status.
func Fail(code codes.Code, message string, details ...protoadapt.MessageV1) Handler {
	return func(context.Context, []byte) ([]byte, error) {
		st, err := status.New(code, message).WithDetails(details...)
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
}

// InTurn answers the first call by the first handler and so on; the last one
// answers the rest.
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

// Hang never answers: the call ends when the caller gives it up.
func Hang(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// Unknown answers with a good message of about the given length: a field that
// no message has.
func Unknown(length int) Handler {
	message := protowire.AppendBytes(protowire.AppendTag(nil, 15_000, protowire.BytesType), make([]byte, length))
	return func(context.Context, []byte) ([]byte, error) { return message, nil }
}
