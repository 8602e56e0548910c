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

// renameNamespace returns a copy of the response with the namespace oldName renamed to
// newName (see [inspect.Method.RenameResponse]). It releases r.
func (r Response) renameNamespace(method inspect.Method, oldName, newName string) Response {
	renamed := method.RenameResponse(r.Bytes(), oldName, newName)
	r.Release()
	return Response{mem.SliceBuffer(renamed)}
}

// restoreNamespaceName replaces the server's name of the namespace with the gateway's
// name in the message of an error. It drops error details that contain the server's
// name: these are of many message types, and only repeat the code and the message.
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
