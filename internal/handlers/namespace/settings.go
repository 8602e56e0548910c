package namespace

import (
	"regexp"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// namePattern matches the names that can be registered. The server accepts any text. But
// a name is part of paths, of metadata and of the permissions of tokens, which separate it
// from the role with a colon; and "*" ends the names in grants.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$`)

func registerRequest(body *openapi.RegisterNamespaceRequest) (*workflowservice.RegisterNamespaceRequest, error) {
	var v convert.Validation
	switch {
	case body.Name == "":
		v.Require("/name", body.Name)
	case !namePattern.MatchString(body.Name):
		v.Add("/name", `must have at most 255 letters, digits, ".", "_" and "-", and start with a letter or digit`)
	}
	v.Require("/retention", body.Retention)
	request := &workflowservice.RegisterNamespaceRequest{
		Namespace: body.Name, Description: body.Description, OwnerEmail: body.OwnerEmail, Data: body.Data,
		WorkflowExecutionRetentionPeriod: retention(&v, body.Retention),
		HistoryArchivalState:             convert.Enum[enums.ArchivalState](&v, "/historyArchivalState", string(body.HistoryArchivalState)),
		HistoryArchivalUri:               body.HistoryArchivalURI,
		VisibilityArchivalState:          convert.Enum[enums.ArchivalState](&v, "/visibilityArchivalState", string(body.VisibilityArchivalState)),
		VisibilityArchivalUri:            body.VisibilityArchivalURI,
	}
	return request, v.Err()
}

func updateRequest(name string, body *openapi.UpdateNamespaceRequest) (*workflowservice.UpdateNamespaceRequest, error) {
	var v convert.Validation
	info := &namespace.UpdateNamespaceInfo{
		Description: setting(&v, "/description", body.Description), OwnerEmail: setting(&v, "/ownerEmail", body.OwnerEmail), Data: body.Data,
	}
	config := &namespace.NamespaceConfig{
		WorkflowExecutionRetentionTtl: retention(&v, body.Retention),
		HistoryArchivalState:          convert.Enum[enums.ArchivalState](&v, "/historyArchivalState", string(body.HistoryArchivalState)),
		HistoryArchivalUri:            body.HistoryArchivalURI,
		VisibilityArchivalState:       convert.Enum[enums.ArchivalState](&v, "/visibilityArchivalState", string(body.VisibilityArchivalState)),
		VisibilityArchivalUri:         body.VisibilityArchivalURI,
	}
	sent := body.Description.Sent || body.OwnerEmail.Sent || len(body.Data) > 0 || body.Retention != "" ||
		body.HistoryArchivalState != "" || body.HistoryArchivalURI != "" || body.VisibilityArchivalState != "" || body.VisibilityArchivalURI != ""
	if !sent {
		v.Add("", "must name at least one setting to change")
	}
	return &workflowservice.UpdateNamespaceRequest{Namespace: name, UpdateInfo: info, Config: config}, v.Err()
}

// setting returns the new value of a setting. The server would ignore an empty one.
func setting(v *convert.Validation, pointer string, change openapi.Change[string]) string {
	switch {
	case !change.Sent:
		return ""
	case change.To == nil || *change.To == "":
		v.Add(pointer, "must not be empty: the server can replace but not remove it")
		return ""
	default:
		return *change.To
	}
}

// retention parses a retention. The server takes zero for "not set" or for "forever",
// depending on its version.
func retention(v *convert.Validation, text string) *durationpb.Duration {
	parsed := v.Duration("/retention", text)
	if parsed != nil && parsed.AsDuration() == 0 {
		v.Add("/retention", "must be above zero")
	}
	return parsed
}
