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
func (r Response) withNamespace(method inspect.Method, from, to string) Response {
	renamed := method.RenameResponse(r.Bytes(), from, to)
	r.Release()
	return Response{mem.SliceBuffer(renamed)}
}

// restoreNamespaceName replaces the server's name of the namespace in an error by
// the gateway's name. It drops details that contain the server's name: they have
// many message types, and repeat what the code and the message say.
func (r *namespaceRoute) restoreNamespaceName(err error, namespace string) error {
	if r.name == "" {
		return err
	}
	st := status.Convert(err).Proto()
	st.Message = strings.ReplaceAll(st.GetMessage(), r.name, namespace)
	st.Details = slices.DeleteFunc(st.GetDetails(), func(detail *anypb.Any) bool {
		return bytes.Contains(detail.GetValue(), []byte(r.name))
	})
	return status.FromProto(st).Err()
}
