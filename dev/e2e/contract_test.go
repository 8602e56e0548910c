package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

const (
	typeJSON    = "application/json"
	typeNDJSON  = "application/x-ndjson"
	typeEvents  = "text/event-stream"
	typeProblem = "application/problem+json"
	typeYAML    = "application/yaml"

	typeMergePatch = "application/merge-patch+json"
)

// contract checks requests and responses against api/openapi.json, the JSON form of api/openapi.yaml, and records which operations were called.
type contract struct {
	router  routers.Router
	options *openapi3filter.Options
	names   []string
	// namespaced contains the operations that have a namespace in their path, by operation id.
	namespaced map[string]namespaceOperation

	mu     sync.Mutex
	called map[string]bool
}

// namespaceOperation is a request of an operation, without values for the parameters.
type namespaceOperation struct {
	method, path string // path is a template
	body         string // {} or empty
}

func loadContract(file string) (*contract, error) {
	document, err := loadDocument(file)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the document: %w", err)
	}
	c := &contract{
		called:     map[string]bool{},
		namespaced: map[string]namespaceOperation{},
		options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			SkipSettingDefaults:   true,
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		},
	}
	for template, path := range document.Paths.Map() {
		for method, operation := range path.Operations() {
			c.names = append(c.names, operation.OperationID)
			if strings.Contains(template, "{namespace}") {
				o := namespaceOperation{method: method, path: template}
				if operation.RequestBody != nil {
					o.body = "{}"
				}
				c.namespaced[operation.OperationID] = o
			}
		}
	}
	slices.Sort(c.names)
	document.OpenAPI = "3.0.3" // the version that kin-openapi supports; see allowNull
	forbidUndocumentedMembers(document)
	openapi3filter.RegisterBodyDecoder(typeJSON, decodeSingleValue)
	openapi3filter.RegisterBodyDecoder(typeProblem, decodeSingleValue)
	openapi3filter.RegisterBodyDecoder(typeMergePatch, decodeSingleValue)
	openapi3filter.RegisterBodyDecoder(typeNDJSON, decodeSingleValue) // checkResponse passes one line at a time
	openapi3filter.RegisterBodyDecoder(typeEvents, openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder(typeYAML, openapi3filter.PlainBodyDecoder)
	c.router, err = gorillamux.NewRouter(document)
	return c, err
}

// loadDocument loads an OpenAPI document in JSON. It moves the responses in the extension x-stream-responses of an
// operation to its other responses. The document has them separately because client generators would not distinguish a
// page from a line of a stream.
func loadDocument(file string) (*openapi3.T, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	paths, _ := document["paths"].(map[string]any)
	for _, item := range paths {
		operations, _ := item.(map[string]any)
		for _, operation := range operations {
			if operation, ok := operation.(map[string]any); ok {
				moveStreamResponses(operation)
			}
		}
	}
	if text, err = json.Marshal(document); err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
}

func moveStreamResponses(operation map[string]any) {
	const extension = "x-stream-responses"
	streams, _ := operation[extension].(map[string]any)
	responses, _ := operation["responses"].(map[string]any)
	for status, stream := range streams {
		response, ok := responses[status].(map[string]any)
		if !ok {
			responses[status] = stream
			continue
		}
		page, _ := response["content"].(map[string]any)
		lines, _ := stream.(map[string]any)["content"].(map[string]any)
		maps.Copy(page, lines)
	}
	delete(operation, extension)
}

// decodeSingleValue decodes a body that must be one JSON value without trailing data, which the decoder of kin-openapi
// ignores.
func decodeSingleValue(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	return replaceOutOfRange(value), nil
}

// replaceOutOfRange replaces numbers outside the range of float64: they are valid JSON, but kin-openapi does not
// support them.
func replaceOutOfRange(value any) any {
	switch value := value.(type) {
	case json.Number:
		if _, err := value.Float64(); err != nil {
			return json.Number("0")
		}
	case []any:
		for i, element := range value {
			value[i] = replaceOutOfRange(element)
		}
	case map[string]any:
		for name, member := range value {
			value[name] = replaceOutOfRange(member)
		}
	}
	return value
}

// forbidUndocumentedMembers changes the schemas of a document, which permit undocumented members so that clients accept
// new ones. The gateway itself must not send undocumented members.
func forbidUndocumentedMembers(document *openapi3.T) {
	for _, ref := range document.Components.Schemas {
		schema := ref.Value
		allowNull(schema)
		for _, property := range schema.Properties {
			allowNull(property.Value) // if it was a $ref with a description, it is a copy of the target
		}
		if len(schema.AllOf) > 0 {
			mergeAllOf(schema)
		}
		if len(schema.Properties) > 0 && schema.AdditionalProperties.Has == nil && schema.AdditionalProperties.Schema == nil {
			schema.WithoutAdditionalProperties()
		}
	}
}

// allowNull makes a schema without a type accept null, as JSON Schema specifies. kin-openapi reads the document as
// OpenAPI 3.0, where such a schema does not accept null.
func allowNull(schema *openapi3.Schema) {
	schema.Nullable = schema.Nullable || schema.Type == nil && len(schema.AllOf) == 0
}

// mergeAllOf merges the parts of an allOf into one schema. Otherwise each part would forbid the members of the others.
func mergeAllOf(schema *openapi3.Schema) {
	schema.Type = &openapi3.Types{openapi3.TypeObject}
	schema.Properties = openapi3.Schemas{}
	for _, part := range schema.AllOf {
		schema.Required = append(schema.Required, part.Value.Required...)
		maps.Copy(schema.Properties, part.Value.Properties)
	}
	schema.AllOf = nil
}

// operations returns the document's operation ids.
func (c *contract) operations() []string { return c.names }

// uncalled returns the operation ids that were not called.
func (c *contract) uncalled() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.names), func(name string) bool { return c.called[name] })
}

// check checks a response, and the request if the response is a success, against the document. sent is the body of the
// request. check is safe for concurrent use.
func (c *contract) check(
	ctx context.Context, request *http.Request, sent string, status int, header http.Header, body []byte,
) error {
	route, parameters, err := c.router.FindRoute(request)
	if err != nil {
		return fmt.Errorf("the document has no operation for %s %s: %w", request.Method, request.URL, err)
	}
	c.mu.Lock()
	c.called[route.Operation.OperationID] = true
	c.mu.Unlock()
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: parameters, Route: route, Options: c.options,
	}
	if status < http.StatusBadRequest {
		request.Body = io.NopCloser(strings.NewReader(sent))
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("the gateway accepted a request that %s does not allow: %w", route.Operation.OperationID, err)
		}
	}
	if err := c.checkResponse(ctx, input, status, header, body); err != nil {
		return fmt.Errorf("%s: response %d violates the document: %w\n%s",
			route.Operation.OperationID, status, err, body)
	}
	return nil
}

func (c *contract) checkResponse(
	ctx context.Context, input *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte,
) error {
	if header.Get("X-Request-Id") == "" {
		return errors.New("X-Request-Id is missing")
	}
	documents := [][]byte{body}
	switch {
	case status == http.StatusNoContent && len(body) > 0:
		return errors.New("the response has a body")
	case status >= http.StatusBadRequest && status != http.StatusUnprocessableEntity: // 422 may also have an outcome as its body
		if err := checkProblem(status, header, body); err != nil {
			return err
		}
	case header.Get("Content-Type") == typeNDJSON:
		documents = slices.Collect(bytes.Lines(body))
	}
	if err := c.checkDocuments(ctx, input, status, header, documents); err != nil {
		return err
	}
	if header.Get("Content-Type") != typeEvents {
		return nil
	}
	// An OpenAPI schema cannot describe the events within a stream. The data of an event has the schema of an NDJSON line.
	events, err := eventsIn(body)
	if err != nil {
		return err
	}
	header = header.Clone()
	header.Set("Content-Type", typeNDJSON)
	return c.checkDocuments(ctx, input, status, header, events)
}

func (c *contract) checkDocuments(
	ctx context.Context, input *openapi3filter.RequestValidationInput, status int, header http.Header, documents [][]byte,
) error {
	for _, document := range documents {
		response := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: status, Header: header, Options: c.options,
		}
		response.SetBodyBytes(document)
		if err := openapi3filter.ValidateResponse(ctx, response); err != nil {
			return err
		}
	}
	return nil
}

// eventsIn returns the data of all history events of a stream. The final event, of type "end", is not a history event.
func eventsIn(body []byte) ([][]byte, error) {
	var events [][]byte
	stream := newEventReader(bytes.NewReader(body))
	for {
		e, err := stream.next()
		switch {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, err
		case e.kind == "":
			events = append(events, []byte(e.data))
		case e.kind != "end":
			return nil, fmt.Errorf("undocumented event type %q", e.kind)
		}
	}
}

// checkProblem checks what a schema cannot express: that the members of a problem agree with the status and the headers
// of the response.
func checkProblem(status int, header http.Header, body []byte) error {
	var p struct {
		Status    int    `json:"status"`
		Code      string `json:"code"`
		Type      string `json:"type"`
		RequestID string `json:"requestId"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("not a problem document: %w", err)
	}
	switch {
	case header.Get("Content-Type") != typeProblem:
		return fmt.Errorf("Content-Type is %q", header.Get("Content-Type"))
	case p.Status != status:
		return fmt.Errorf("status is %d", p.Status)
	case p.RequestID != header.Get("X-Request-Id"):
		return fmt.Errorf("requestId is %q, X-Request-Id is %q", p.RequestID, header.Get("X-Request-Id"))
	case p.Type != "/docs/problems#"+p.Code:
		return fmt.Errorf("type is %q, code is %q", p.Type, p.Code)
	}
	return nil
}
