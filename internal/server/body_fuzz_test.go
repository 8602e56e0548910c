package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// bodyOperation is an operation to which FuzzBody sends bodies.
type bodyOperation struct {
	path, method string
	required     []string // required members, which are strings
	input        func(*testing.T, upstreamtest.Call) *common.Payloads
}

func bodyOperations() []bodyOperation {
	return []bodyOperation{
		{
			path: servertest.WorkflowsPath, method: "StartWorkflowExecution", required: []string{"workflowType", "workflowId", "taskQueue"},
			input: inputOf((*workflowservice.StartWorkflowExecutionRequest).GetInput),
		},
		{
			path: servertest.WorkflowsPath + "/w/signal", method: "SignalWorkflowExecution", required: []string{"signal"},
			input: inputOf((*workflowservice.SignalWorkflowExecutionRequest).GetInput),
		},
		{
			path: servertest.WorkflowsPath + "/w/query", method: "QueryWorkflow", required: []string{"query"},
			input: inputOf(func(r *workflowservice.QueryWorkflowRequest) *common.Payloads { return r.GetQuery().GetQueryArgs() }),
		},
	}
}

// inputOf returns a function that decodes an upstream call and returns the input of the request message.
func inputOf[M proto.Message](get func(M) *common.Payloads) func(*testing.T, upstreamtest.Call) *common.Payloads {
	return func(t *testing.T, call upstreamtest.Call) *common.Payloads {
		t.Helper()
		request, ok := servertest.DecodeRequest(t, call).Interface().(M)
		require.True(t, ok, call.Method)
		return get(request)
	}
}

// FuzzBody sends bodies. An accepted body is also valid for encoding/json and has no duplicate names at any depth, and
// the upstream receives the arguments byte for byte. The response to a rejected body contains no values of the body.
func FuzzBody(f *testing.F) {
	operations := bodyOperations()
	requiredMembers := make([]string, len(operations)) // of each operation, as JSON text that more members can follow
	for i, operation := range operations {
		requiredMembers[i] = `"` + strings.Join(operation.required, `":"n","`) + `":"n",`
		f.Add(uint8(i), []byte(`{`+requiredMembers[i]+`"args":[1.10,null]}`))
	}
	for i, arg := range []string{
		`1.10`, `1e400`, `12345678901234567890`, `-0`, `9223372036854775808`, `null`, `[]`, `{}`, ` { "b" : 1 , "a" : [ ] } `, `"\u003c<&>\/"`,
		`"\ud83d\ude00"`, `"\ud800"`, `"\udc00\ud800"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"a\x00b\"", `"\u0000"`, `{"a":1,"a":2}`, `{"a":{"b":[{"c":1,"\u0063":2}]}}`,
		`{"a":1,"A":2}`, `NaN`, `Infinity`, `01`, `+1`, `1.`, `.5`, `0x1`, `'a'`, `[1,]`, `{"a":1,}`, `1 // c`, `tru`, "\ufeff1", `{"metadata":{"encoding":"YQ=="},"data":"YQ=="}`,
		strings.Repeat("[", 200) + strings.Repeat("]", 200), strings.Repeat("[", 9999), `"SECRET-4711-VALUE"`, `{"SECRET-4711-NAME":"SECRET-4711-VALUE" 1}`,
	} {
		f.Add(uint8(i), []byte(`{`+requiredMembers[i%len(requiredMembers)]+`"args":[`+arg+`]}`))
	}
	for i, body := range []string{
		``, ` `, `null`, `[]`, `"x"`, `1`, `{}`, `{`, `}`, `{} {}`, "\ufeff{}", `{"args":1}`, `{"args":null}`, `{"args":{"0":1}}`, `{"Args":[]}`, `{"args":[],"args":[]}`,
		`{"args":[],"\u0061rgs":[1]}`, `{"SECRET-4711":"SECRET-4712"}`, `{"workflowId":4711471147114711}`, `{"argPayloads":[{"json":1},{"metadata":{"encoding":"YQ=="},"data":"YQ=="}]}`,
		`{"argPayloads":[{"json":1,"data":"YQ=="}]}`, `{"argPayloads":[{"data":"SECRET-4711"}]}`, `{"idReusePolicy":"SECRET-4711"}`, `{"runTimeout":"SECRET-4711"}`,
		`{"memo":{"a":1},"searchAttributes":{"A":{"type":"Int","value":"SECRET-4711"}}}`, `{"":1}`, `{"a/b~c":1}`, `{"` + strings.Repeat("n", 500) + `":1}`,
	} {
		f.Add(uint8(i), []byte(body))
		f.Add(uint8(0), []byte(strings.Replace(body, "{", "{"+requiredMembers[0], 1)))
	}
	g := startFuzz(f, map[string]proto.Message{"StartWorkflowExecution": &workflowservice.StartWorkflowExecutionResponse{RunId: "r", Started: true}})
	f.Fuzz(func(t *testing.T, index uint8, body []byte) {
		operation := operations[int(index)%len(operations)]
		raw := servertest.RawRequest(http.MethodPost, operation.path, servertest.WriterKey, body)
		resp, calls := g.request(t, http.MethodPost, raw) // the method is required to parse the response
		members, ok := strictObject(body)
		if resp.Status >= http.StatusMultipleChoices {
			require.Empty(t, calls)
			require.False(t, ok && isSimpleBody(operation, members), "%q: %s", body, resp.Body)
			checkRejection(t, resp, body)
			return
		}
		require.True(t, ok, "%q", body)
		require.Len(t, calls, 1)
		if _, signals := members["startSignal"]; signals {
			return // the call is SignalWithStartWorkflowExecution, whose input operation.input cannot decode
		}
		require.Equal(t, operation.method, calls[0].Method)
		if _, payloads := members["argPayloads"]; !payloads {
			checkArguments(t, members["args"], operation.input(t, calls[0]))
		}
	})
}

// strictObject parses an object with encoding/json. It also checks what encoding/json does not check: valid UTF-8,
// complete surrogate pairs and unique names.
func strictObject(body []byte) (members map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) || json.Unmarshal(body, &members) != nil || members == nil {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // otherwise 1e400 is an error
	return members, !loneSurrogate(body) && uniqueNames(decoder)
}

// loneSurrogate reports whether valid JSON contains the escape of a lone surrogate.
func loneSurrogate(text []byte) bool {
	unit := func(at int) rune { // the UTF-16 code unit of the escape at an index, or 0
		if len(text) < at+6 || text[at] != '\\' || text[at+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if r := unit(i); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, unit(i+6)) == unicode.ReplacementChar {
				return true
			}
			i += len(`\uXXXX`) // the high surrogate; below, the start of the low one is skipped
		}
		i++ // with the increment of the loop, an escape of two characters
	}
	return false
}

// uniqueNames reports whether each object in valid JSON has unique names.
func uniqueNames(decoder *json.Decoder) bool {
	type container struct {
		names map[string]bool // nil for an array
		value bool            // the next token is a value
	}
	stack := []container{{}}
	for {
		token, err := decoder.Token()
		if err != nil {
			return err == io.EOF
		}
		top := &stack[len(stack)-1]
		if name, isString := token.(string); isString && top.names != nil && !top.value {
			if top.names[name] {
				return false
			}
			top.names[name], top.value = true, true
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			top.value = false
			next := container{}
			if token == json.Delim('{') {
				next.names = map[string]bool{}
			}
			stack = append(stack, next)
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		default:
			top.value = false
		}
	}
}

// isSimpleBody reports whether the gateway must accept a body. It has only the required members and optionally "args".
// Each required member is a non-empty string of at most 1000 bytes, the limit of Temporal's server, without
// control characters; "args" is an array or null.
func isSimpleBody(operation bodyOperation, members map[string]json.RawMessage) bool {
	for _, name := range operation.required {
		var text string
		if json.Unmarshal(members[name], &text) != nil || text == "" || len(text) > 1000 || strings.ContainsFunc(text, unicode.IsControl) {
			return false
		}
	}
	var args []json.RawMessage
	if given, ok := members["args"]; ok && json.Unmarshal(given, &args) != nil {
		return false
	}
	extra := maps.Clone(members)
	maps.DeleteFunc(extra, func(name string, _ json.RawMessage) bool {
		return name == "args" || slices.Contains(operation.required, name)
	})
	return len(extra) == 0
}

// checkArguments compares the payloads that the upstream received with the member "args" of the body.
func checkArguments(t *testing.T, given json.RawMessage, got *common.Payloads) {
	t.Helper()
	var args []json.RawMessage
	if given != nil {
		require.NoError(t, json.Unmarshal(given, &args))
	}
	require.Len(t, got.GetPayloads(), len(args))
	for i, p := range got.GetPayloads() {
		if string(args[i]) == "null" {
			require.Equal(t, map[string][]byte{"encoding": []byte("binary/null")}, p.GetMetadata())
			require.Empty(t, p.GetData())
			continue
		}
		require.Equal(t, map[string][]byte{"encoding": []byte("json/plain")}, p.GetMetadata())
		require.Equal(t, string(args[i]), string(p.GetData()))
	}
}

// checkRejection requires that the response is a problem and contains no values of the body. It may contain names.
func checkRejection(t *testing.T, resp servertest.Response, body []byte) {
	t.Helper()
	require.Less(t, resp.Status, http.StatusInternalServerError, "%q: %s", body, resp.Body)
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	require.True(t, json.Valid([]byte(resp.Body)), resp.Body)
	var document struct{ Errors []struct{ Pointer string } }
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &document))
	text := resp.Body
	// A pointer consists of names, so it is removed before the search for values. The response may contain it as
	// json.Marshal quotes it, or with fewer escapes.
	for _, e := range document.Errors {
		require.LessOrEqual(t, len(e.Pointer), 256, resp.Body)
		quoted, err := json.Marshal(e.Pointer)
		require.NoError(t, err)
		text = strings.ReplaceAll(strings.ReplaceAll(text, strings.Trim(string(quoted), `"`), ""), e.Pointer, "")
	}
	for _, value := range distinctiveValues(body) {
		require.NotContains(t, text, value, "%q", body)
	}
}

// distinctiveValues returns the strings and numbers of a body that cannot occur in a response by chance.
func distinctiveValues(body []byte) (found []string) {
	const minLength = 8
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	names := map[string]bool{}
	for {
		at := decoder.InputOffset()
		token, err := decoder.Token()
		if err != nil {
			break
		}
		text := ""
		switch token := token.(type) {
		case string:
			text = token
		case json.Number:
			text = token.String()
		default:
		}
		// A string before a colon is a name. In malformed JSON, such as {"a":"b":1, a value can be before a colon too,
		// but then it also begins after one.
		rest := bytes.TrimLeft(body[decoder.InputOffset():], " \t\r\n")
		if bytes.HasPrefix(rest, []byte(":")) && body[at] != ':' {
			names[text] = true // a response may contain names
			continue
		}
		if len(text) >= minLength && strings.ContainsAny(text, "0123456789") && utf8.ValidString(text) {
			found = append(found, text)
		}
	}
	return slices.DeleteFunc(found, func(text string) bool {
		for name := range names {
			if strings.Contains(name, text) {
				return true
			}
		}
		return false
	})
}
