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
)

// contract is api/openapi.yaml, to hold what the gateway takes and gives against, and the operations called so far.
type contract struct {
	router  routers.Router
	options *openapi3filter.Options
	names   []string

	mu     sync.Mutex
	called map[string]bool
}

func loadContract(file string) (*contract, error) {
	document, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the document: %w", err)
	}
	c := &contract{
		called: map[string]bool{},
		options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			SkipSettingDefaults:   true,
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		},
	}
	for _, path := range document.Paths.Map() {
		for _, operation := range path.Operations() {
			c.names = append(c.names, operation.OperationID)
		}
	}
	slices.Sort(c.names)
	document.OpenAPI = "3.0.3"
	tighten(document)
	openapi3filter.RegisterBodyDecoder(typeJSON, decodeOne)
	openapi3filter.RegisterBodyDecoder(typeProblem, decodeOne)
	openapi3filter.RegisterBodyDecoder(typeNDJSON, decodeOne) // a line at a time, see checkAnswer
	openapi3filter.RegisterBodyDecoder(typeEvents, openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder(typeYAML, openapi3filter.PlainBodyDecoder)
	c.router, err = gorillamux.NewRouter(document)
	return c, err
}

// decodeOne reads a body that is one JSON value and nothing after it; kin-openapi's own decoder stops at its end.
func decodeOne(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	return inRange(value), nil
}

// inRange replaces the numbers that are beyond a float64, which are good JSON and more than kin-openapi takes.
func inRange(value any) any {
	switch value := value.(type) {
	case json.Number:
		if _, err := value.Float64(); err != nil {
			return json.Number("0")
		}
	case []any:
		for i, element := range value {
			value[i] = inRange(element)
		}
	case map[string]any:
		for name, member := range value {
			value[name] = inRange(member)
		}
	}
	return value
}

// tighten forbids the members that the document does not name. It leaves them open for clients, who must expect new
// ones; the gateway must not send any that are not written down.
func tighten(document *openapi3.T) {
	for _, ref := range document.Components.Schemas {
		schema := ref.Value
		allowNull(schema)
		for _, property := range schema.Properties {
			allowNull(property.Value) // a $ref with a description is a copy of what it refers to
		}
		if len(schema.AllOf) > 0 {
			merge(schema)
		}
		if len(schema.Properties) > 0 && schema.AdditionalProperties.Has == nil && schema.AdditionalProperties.Schema == nil {
			schema.WithoutAdditionalProperties()
		}
	}
}

// allowNull lets a schema without a type take null, as JSON Schema has it: kin-openapi reads the document as 3.0.
func allowNull(schema *openapi3.Schema) {
	schema.Nullable = schema.Nullable || schema.Type == nil && len(schema.AllOf) == 0
}

// merge makes one schema of the parts of an allOf, because parts that forbid each other's members allow nothing.
func merge(schema *openapi3.Schema) {
	schema.Type = &openapi3.Types{openapi3.TypeObject}
	schema.Properties = openapi3.Schemas{}
	for _, part := range schema.AllOf {
		schema.Required = append(schema.Required, part.Value.Required...)
		maps.Copy(schema.Properties, part.Value.Properties)
	}
	schema.AllOf = nil
}

// operations are the document's operation ids.
func (c *contract) operations() []string { return c.names }

// uncalled are those of them that no request was for.
func (c *contract) uncalled() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.names), func(name string) bool { return c.called[name] })
}

// check holds an answer against the document, and a request that was taken too. It may be called by many at once.
func (c *contract) check(
	ctx context.Context, request *http.Request, sent string, status int, header http.Header, body []byte,
) error {
	route, parameters, err := c.router.FindRoute(request)
	if err != nil {
		return fmt.Errorf("%s %s is in no operation of the document: %w", request.Method, request.URL, err)
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
			return fmt.Errorf("the gateway took a request that %s does not allow: %w", route.Operation.OperationID, err)
		}
	}
	if err := c.checkAnswer(ctx, input, status, header, body); err != nil {
		return fmt.Errorf("%s answered %d with what the document does not allow: %w\n%s",
			route.Operation.OperationID, status, err, body)
	}
	return nil
}

func (c *contract) checkAnswer(
	ctx context.Context, input *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte,
) error {
	if header.Get("X-Request-Id") == "" {
		return errors.New("X-Request-Id is missing")
	}
	documents := [][]byte{body}
	switch {
	case status == http.StatusNoContent && len(body) > 0:
		return errors.New("there is a body")
	case status >= http.StatusBadRequest && status != http.StatusUnprocessableEntity:
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
	// The document cannot say it of a part of a text: an event's data is what a line of NDJSON is.
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
		answer := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: status, Header: header, Options: c.options,
		}
		answer.SetBodyBytes(document)
		if err := openapi3filter.ValidateResponse(ctx, answer); err != nil {
			return err
		}
	}
	return nil
}

// eventsIn gives the data of a whole stream's events, but for that of its end.
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
			return nil, fmt.Errorf("an event of type %q", e.kind)
		}
	}
}

// checkProblem is what a schema cannot say: what a problem repeats of the answer's head must agree with it.
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
