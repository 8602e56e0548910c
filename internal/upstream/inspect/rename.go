package inspect

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// rename returns a copy of the message in which the namespace from is replaced with to
// wherever it occurs. It copies invalid parts of the message unchanged, because the
// server, or the door, rejects them.
func (g guard) rename(message []byte, from, to string) []byte {
	return g.appendRenamed(make([]byte, 0, len(message)+len(to)), message, from, to, maxDepth)
}

func (g guard) appendRenamed(out, message []byte, from, to string, depth int) []byte {
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		size := -1
		if n > 0 {
			size = protowire.ConsumeFieldValue(number, wireType, message[n:])
		}
		if size < 0 {
			return append(out, message...)
		}
		field, watched := g[number]
		if !watched || wireType != protowire.BytesType || depth == 1 {
			out, message = append(out, message[:n+size]...), message[n+size:]
			continue
		}
		value, _ := protowire.ConsumeBytes(message[n:])
		out = append(out, message[:n]...)
		switch {
		case field.message != nil:
			out = protowire.AppendBytes(out, field.message.appendRenamed(nil, value, from, to, depth-1))
		case field.mark == marksNamespace && string(value) == from:
			out = protowire.AppendString(out, to)
		default:
			out = protowire.AppendBytes(out, value)
		}
		message = message[n+size:]
	}
	return out
}
