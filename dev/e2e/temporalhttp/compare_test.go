package temporalhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// differing are the members that differ between twins, and why; with a dot, only in what that member holds. Their values
// are put aside; that they are there, and hold a text, is still compared. Ids that a case has chosen itself, or was given
// before, are not in the list: they are replaced by their names, wherever they stand.
//
//nolint:gochecknoglobals // an immutable table
var differing = map[string]string{
	"runId":                  "the server makes one for each run",
	"firstExecutionRunId":    "the same",
	"originalExecutionRunId": "the same",
	"endpoint.id":            "the server makes it",
	"endpoint.urlPrefix":     "holds the endpoint's id",
	"namespaceInfo.id":       "the server makes it",
	"info.requestId":         "of a Nexus operation: the server makes one for each attempt",

	"workflowTaskStartedEventAttributes.requestId": "the server makes it",
	"activityTaskStartedEventAttributes.requestId": "the same",

	"conflictToken": "a time or a counter of the server's",
	"longPollToken": "holds the run's id and a counter",
	"taskId":        "a counter of the shard's",

	"eventTime":                       "when it happened",
	"createTime":                      "the same",
	"createdTime":                     "the same",
	"lastModifiedTime":                "the same",
	"updateTime":                      "the same",
	"scheduleTime":                    "the same",
	"executionTime":                   "the same",
	"heartbeatTime":                   "the same",
	"expirationTime":                  "counted from such a time",
	"workflowExecutionExpirationTime": "the same",
	"executionDuration":               "the same, to the moment of asking",
	"historySizeBytes":                "counts such times, which weigh more or less",
	"stateSizeBytes":                  "holds such times, which weigh more or less",
}

// changing are the members that differ between two looks at the same, and why.
//
//nolint:gochecknoglobals // an immutable table
var changing = map[string]string{
	"executionDuration": "how long it has lasted, at the moment of asking",
}

// decoded is a body as it is compared: numbers keep their text. What is no JSON is compared as text.
func decoded(t *testing.T, a apiResponse, own map[string]string) any {
	t.Helper()
	body := a.body
	for _, name := range slices.Sorted(maps.Keys(own)) {
		body = strings.ReplaceAll(body, own[name], "<"+name+">")
	}
	if !json.Valid([]byte(body)) {
		return body
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	value, err := decodeValue(decoder)
	require.NoError(t, err, body)
	return value
}

// decodeValue reads one value, and no object that has a member twice, which the library would overlook.
func decodeValue(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(decoder)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			element, err := decodeValue(decoder)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err := decoder.Token()
		return list, err
	default:
		return token, nil
	}
}

func decodeObject(decoder *json.Decoder) (any, error) {
	members := map[string]any{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		text := fmt.Sprint(name)
		if _, twice := members[text]; twice {
			return nil, fmt.Errorf("member %q is there twice", text)
		}
		if members[text], err = decodeValue(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return members, err
}

// mask replaces the values of the named members, in what a member named parent holds.
func mask(names map[string]string, parent string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			_, everywhere := names[name]
			_, here := names[parent+"."+name]
			if _, text := member.(string); text && (everywhere || here) {
				v[name] = "<" + name + ">"
				continue
			}
			v[name] = mask(names, name, member)
		}
	case []any:
		for i := range v {
			v[i] = mask(names, parent, v[i])
		}
	}
	return value
}

// requireSame requires that the gateway answers as Temporal does.
func requireSame(t *testing.T, r request, temporal, gateway apiResponse, want, got any) {
	t.Helper()
	require.Equal(t, temporal.status, gateway.status, "%s %s\nTemporal: %s\nthe gateway: %s", r.verb, r.path, temporal.body, gateway.body)
	require.Equal(t, contentType(temporal), contentType(gateway), "%s %s: Content-Type", r.verb, r.path)
	require.Equal(t, layout(temporal.body), layout(gateway.body), "%s %s: white space", r.verb, r.path)
	if temporal.body == gateway.body {
		shared.ledger.identical()
	}
	require.Equal(t, want, got, "%s %s\n%s\nTemporal: %s\nthe gateway: %s", r.verb, r.path, r.body, temporal.body, gateway.body)
}

// layout tells how white space is used.
func layout(body string) string {
	var compact, indented bytes.Buffer
	switch {
	case !json.Valid([]byte(body)):
		return "no JSON"
	case json.Compact(&compact, []byte(body)) == nil && compact.String() == body:
		return "compact"
	case json.Indent(&indented, []byte(body), "", "  ") == nil && indented.String() == body:
		return "indented"
	default:
		return "neither compact nor indented"
	}
}

// contentType is the type that an answer should have: Temporal calls its JSON "*" unless it was asked for a type of its
// own.
func contentType(a apiResponse) string {
	if value := a.header.Get("Content-Type"); value != "*" {
		return value
	}
	return "application/json"
}
