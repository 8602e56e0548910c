package transcode

import (
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields gives the length-delimited fields of a message in wire form, one after
// another, for who needs a few of them only. It ends where the bytes are no
// message.
func Fields(wire []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for at := 0; at < len(wire); {
			number, wireType, n := tagAt(wire, at)
			if n < 0 {
				return
			}
			size := valueSize(wire[at+n:], number, wireType)
			if size < 0 {
				return
			}
			if wireType == protowire.BytesType && !yield(number, lengthDelimited(wire[at+n:at+n+size])) {
				return
			}
			at += n + size
		}
	}
}
