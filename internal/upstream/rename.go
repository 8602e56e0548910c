package upstream

import (
	"bytes"
	"slices"
	"strings"

	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// responseMarks are where an answer names namespaces.
func responseMarks(field protoreflect.FieldDescriptor) mark {
	if field.FullName() == "temporal.api.namespace.v1.NamespaceInfo.name" {
		return marksNamespace
	}
	return namespaceMarks(field)
}

// rename gives the message with one namespace called by another name wherever
// it is named, for a namespace that its server calls otherwise than the gateway.
// What is no message is left as it is: the server, or the door, will say so.
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

// withNamespace is [guard.rename] for an answer, whose buffer it gives back.
func (a Response) withNamespace(g guard, from, to string) Response {
	renamed := g.rename(a.Bytes(), from, to)
	a.Release()
	return Response{mem.SliceBuffer(renamed)}
}

// restoreNamespaceName gives an error of a server without the name that the namespace has
// there. Details that hold it are left out: they are messages of many kinds, and
// the code and the text say the same.
func (h *namespaceRoute) restoreNamespaceName(err error, namespace string) error {
	if h.name == "" {
		return err
	}
	st := status.Convert(err).Proto()
	st.Message = strings.ReplaceAll(st.GetMessage(), h.name, namespace)
	st.Details = slices.DeleteFunc(st.GetDetails(), func(detail *anypb.Any) bool {
		return bytes.Contains(detail.GetValue(), []byte(h.name))
	})
	return status.FromProto(st).Err()
}
