package upstream

import (
	"bytes"
	"slices"
	"strings"

	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// withNamespace returns the response with a namespace renamed (see
// [inspect.Method.RenameResponse]). It releases the buffer of the response.
func (a Response) withNamespace(method inspect.Method, from, to string) Response {
	renamed := method.RenameResponse(a.Bytes(), from, to)
	a.Release()
	return Response{mem.SliceBuffer(renamed)}
}

// restoreNamespaceName returns an error of a server with the name that the
// namespace has at the gateway instead of the one that it has on the server.
// Details with that name are dropped: they are messages of many types, and the
// code and the message say the same.
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
