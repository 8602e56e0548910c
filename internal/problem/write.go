package problem

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// ContentType is the media type of a problem document (RFC 9457).
const ContentType = "application/problem+json"

// Occurrence contains the members of a problem document that identify the failed request.
type Occurrence struct {
	// RequestID is the request's X-Request-Id.
	RequestID string
	// Instance is the template of the route, because the path contains text from
	// the caller.
	Instance string
}

// document is the JSON form of a problem document.
type document struct {
	Type        string           `json:"type"`
	Title       string           `json:"title"`
	Status      int              `json:"status"`
	Detail      string           `json:"detail,omitempty"`
	Instance    string           `json:"instance,omitempty"`
	Code        Code             `json:"code"`
	RequestID   string           `json:"requestId,omitempty"`
	Retryable   bool             `json:"retryable"`
	RetryAfter  int64            `json:"retryAfter,omitzero"`
	GRPCCode    string           `json:"grpcCode,omitempty"`
	GRPCDetails []jsontext.Value `json:"grpcDetails,omitempty"`
	GRPCStatus  string           `json:"grpcStatus,omitempty"`
	Members     `json:",inline"`
}

// Write writes the problem document of err as the response and returns its
// status.
func Write(w http.ResponseWriter, err error, at Occurrence) int {
	e := Of(err)
	row := e.Code.Row()
	options := json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true)) // gRPC messages may contain any bytes
	body, marshalErr := json.Marshal(e.document(row, at), options)
	if marshalErr != nil { // a member cannot be encoded; the document is written without members
		retryAfter, mayHaveTakenEffect := e.RetryAfter, e.MayHaveTakenEffect
		e = New(e.Code, e.Detail).WithCause(marshalErr)
		e.RetryAfter, e.MayHaveTakenEffect = retryAfter, mayHaveTakenEffect
		body, _ = json.Marshal(e.document(row, at), options)
	}
	body = append(body, '\n')
	e.SetHeaders(w.Header())
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	status := e.StatusCode()
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return status
}

func (e *Error) document(row Row, at Occurrence) document {
	d := document{
		Type: "/docs/problems#" + string(e.Code), Title: row.Title, Status: e.StatusCode(),
		Detail: e.Detail, Instance: at.Instance, Code: e.Code, RequestID: at.RequestID,
		Retryable: row.Retryable, RetryAfter: seconds(e.retryAfter(row)), Members: e.Members,
	}
	if e.Upstream != nil {
		d.addUpstream(e.Upstream, e.Detail)
	}
	return d
}

// addUpstream adds the upstream's status, from which a client can construct the RPC error
// of its SDK. If the message is for the log only, addUpstream replaces it by detail and
// omits the details of the status.
func (d *document) addUpstream(st *status.Status, detail string) {
	public := proto.CloneOf(st.Proto())
	public.Message = strings.ToValidUTF8(public.GetMessage(), "\uFFFD")
	if isWithheld(st.Code()) {
		public.Message, public.Details = detail, nil
	}
	d.GRPCCode = code.Code(st.Code()).String() //nolint:gosec // the numbers are the same
	for _, a := range public.GetDetails() {
		d.GRPCDetails = append(d.GRPCDetails, detailJSON(a))
	}
	if wire, err := proto.Marshal(public); err == nil {
		d.GRPCStatus = base64.StdEncoding.EncodeToString(wire)
	}
}

// detailJSON returns the JSON of a status detail. A detail of an unknown type
// becomes its wire form in base64.
func detailJSON(a *anypb.Any) jsontext.Value {
	if value, err := protojson.Marshal(a); err == nil {
		return value
	}
	value, _ := json.Marshal(map[string]string{
		"@type": a.GetTypeUrl(), "value": base64.StdEncoding.EncodeToString(a.GetValue()),
	}, json.Deterministic(true))
	return value
}

func (e *Error) retryAfter(row Row) time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return row.RetryAfter
}

// SetHeaders sets the response headers of the error that do not depend on the
// format of the body, such as Cache-Control, Retry-After, Allow and
// WWW-Authenticate.
func (e *Error) SetHeaders(h http.Header) {
	row := e.Code.Row()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if after := e.retryAfter(row); after > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(after), 10))
	}
	if len(e.Members.Allow) > 0 {
		h.Set("Allow", strings.Join(e.Members.Allow, ", "))
	}
	if e.Members.ETag != "" {
		h.Set("ETag", e.Members.ETag)
	}
	if e.Members.AcceptPost != "" {
		h.Set("Accept-Post", e.Members.AcceptPost)
	}
	if e.Members.AcceptPatch != "" {
		h.Set("Accept-Patch", e.Members.AcceptPatch)
	}
	if row.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", e.challenge())
	}
}

// challenge returns the WWW-Authenticate challenge (RFC 6750 section 3). It has
// no error code if the request has no credential.
func (e *Error) challenge() string {
	const realm = `Bearer realm="flowgate"`
	if e.Members.BearerError == "" {
		return realm
	}
	return realm + `, error="` + e.Members.BearerError + `"`
}

// seconds converts a duration to seconds. It rounds up, so that a caller that
// waits that long does not retry too early.
func seconds(d time.Duration) int64 {
	whole := int64(d / time.Second)
	if d%time.Second > 0 {
		whole++
	}
	return whole
}
