package temporalhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// newTemporalMux returns the HTTP API of Temporal's frontend, configured as in
// service/frontend of go.temporal.io/server 1.32: grpc-gateway's mux with generated
// handlers, Temporal's JSON and Temporal's error handler. The [fakeUpstream] in the
// request's context handles the RPC.
func newTemporalMux(t testing.TB) http.Handler {
	t.Helper()
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(temporalMarshaler("  ", false)),
		runtime.WithMarshalerOption(temporalMarshaler("", false)),
		runtime.WithMarshalerOption(temporalMarshaler("  ", true)),
		runtime.WithMarshalerOption(temporalMarshaler("", true)),
		runtime.WithErrorHandler(temporalError),
		runtime.WithIncomingHeaderMatcher(temporalHeader),
	)
	workflows, operator := workflowservice.NewWorkflowServiceClient(inProcess{}), operatorservice.NewOperatorServiceClient(inProcess{})
	require.NoError(t, workflowservice.RegisterWorkflowServiceHandlerClient(t.Context(), mux, workflows))
	require.NoError(t, operatorservice.RegisterOperatorServiceHandlerClient(t.Context(), mux, operator))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		suffix := ""
		if r.URL.Query().Has("pretty") {
			suffix += "+pretty"
		}
		if r.URL.Query().Has("noPayloadShorthand") {
			suffix += "+no-payload-shorthand"
		}
		if suffix != "" {
			r.Header.Set("Accept", "application/json"+suffix)
		}
		mux.ServeHTTP(w, r)
	})
}

// inProcess is the connection over which the frontend calls its own gRPC handlers.
type inProcess struct{}

func (inProcess) Invoke(ctx context.Context, method string, request, response any, _ ...grpc.CallOption) error {
	call, _ := ctx.Value(fakeUpstreamKey{}).(*fakeUpstream)
	sent, ok := request.(proto.Message)
	if !ok {
		return errors.New("not a message")
	}
	into, ok := response.(proto.Message)
	if !ok {
		return errors.New("not a message")
	}
	// The request is cloned and not encoded, as in the frontend, which calls itself
	// in process. Encoding would reject invalid UTF-8.
	result, err := call.handle(method, proto.CloneOf(sent), into.ProtoReflect().Descriptor())
	if err != nil {
		return err
	}
	proto.Merge(into, result)
	return nil
}

func (inProcess) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("the HTTP API has no streams")
}

// temporalHeader reimplements the frontend's incomingHeaderMatcher, without configured headers.
func temporalHeader(name string) (string, bool) {
	switch name {
	case "Authorization-Extras", "X-Forwarded-For", "Client-Name", "Client-Version":
		return name, true
	default:
		return runtime.DefaultHeaderMatcher(name)
	}
}

// temporalError reimplements the frontend's errorHandler.
func temporalError(_ context.Context, _ *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	s := serviceerror.ToStatus(err)
	w.Header().Set("Content-Type", m.ContentType(struct{}{}))
	text, err := m.Marshal(s.Proto())
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"code": 13, "message": "failed to marshal error message"}`)
		return
	}
	w.WriteHeader(runtime.HTTPStatusFromCode(s.Code()))
	_, _ = w.Write(text)
}

// temporalJSON reimplements the frontend's temporalProtoMarshaler.
type temporalJSON struct {
	contentType string
	write       temporalproto.CustomJSONMarshalOptions
	read        temporalproto.CustomJSONUnmarshalOptions
}

// temporalMarshaler returns one of the frontend's four marshalers and the media type for
// which the mux uses it.
func temporalMarshaler(indent string, shorthand bool) (string, temporalJSON) {
	metadata, contentType := map[string]any{}, runtime.MIMEWildcard
	if shorthand {
		metadata[common.EnablePayloadShorthandMetadataKey] = true
	}
	switch {
	case shorthand && indent != "":
		contentType = "application/json+pretty"
	case !shorthand && indent != "":
		contentType = "application/json+pretty+no-payload-shorthand"
	case !shorthand:
		contentType = "application/json+no-payload-shorthand"
	}
	return contentType, temporalJSON{
		contentType: contentType,
		write:       temporalproto.CustomJSONMarshalOptions{Indent: indent, Metadata: metadata},
		read:        temporalproto.CustomJSONUnmarshalOptions{Metadata: metadata},
	}
}

func (m temporalJSON) ContentType(any) string { return m.contentType }

func (m temporalJSON) Marshal(v any) ([]byte, error) {
	if message, ok := v.(proto.Message); ok {
		return m.write.Marshal(message)
	}
	if m.write.Indent != "" {
		return json.MarshalIndent(v, "", m.write.Indent)
	}
	return json.Marshal(v)
}

func (m temporalJSON) Unmarshal(text []byte, v any) error {
	if message, ok := v.(proto.Message); ok {
		return m.read.Unmarshal(text, message)
	}
	return json.Unmarshal(text, v)
}

func (m temporalJSON) NewDecoder(r io.Reader) runtime.Decoder {
	decoder := json.NewDecoder(r)
	return runtime.DecoderFunc(func(v any) error {
		message, ok := v.(proto.Message)
		if !ok {
			return decoder.Decode(v)
		}
		var text json.RawMessage
		if err := decoder.Decode(&text); err != nil {
			return err
		}
		return m.read.Unmarshal(text, message)
	})
}

func (m temporalJSON) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		text, err := m.Marshal(v)
		if err == nil {
			_, err = io.Copy(w, strings.NewReader(string(text)+"\n"))
		}
		return err
	})
}
