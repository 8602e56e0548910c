package inspect

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// rename returns a copy of the message in which every field that names the namespace
// oldName names newName instead. It copies invalid parts of the message unchanged, because the
// server, or the door, rejects them.
func (g guard) rename(message []byte, oldName, newName string) []byte {
	return g.appendRenamed(make([]byte, 0, len(message)+len(newName)), message, oldName, newName, maxDepth)
}

func (g guard) appendRenamed(out, message []byte, oldName, newName string, depth int) []byte {
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
			out = protowire.AppendBytes(out, field.message.appendRenamed(nil, value, oldName, newName, depth-1))
		case field.mark == marksNamespace && string(value) == oldName:
			out = protowire.AppendString(out, newName)
		default:
			out = protowire.AppendBytes(out, value)
		}
		message = message[n+size:]
	}
	return out
}
