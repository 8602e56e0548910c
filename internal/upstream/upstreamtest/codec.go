package upstreamtest

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// wireCodec passes messages through in wire form.
type wireCodec struct{}

func (wireCodec) Name() string { return "proto" }

func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("upstreamtest: cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*message)}, nil
}

func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("upstreamtest: cannot receive a %T", v)
	}
	*message = data.Materialize()
	return nil
}
