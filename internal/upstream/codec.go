package upstream

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// wireCodec passes messages through in wire form. It has the name of the protobuf
// codec, because gRPC puts the name of the codec into the content type of a call.
type wireCodec struct{}

var _ encoding.CodecV2 = wireCodec{}

func (wireCodec) Name() string { return "proto" }

func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("upstream: cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*message)}, nil
}

func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	response, ok := v.(*Response)
	if !ok {
		return fmt.Errorf("upstream: cannot receive a %T", v)
	}
	response.buffer = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}
