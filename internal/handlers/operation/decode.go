package operation

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/problem"
)

// decode decodes the body into target, strictly: known members only, no duplicate
// names at any depth, valid Unicode, one document, a bounded number of values. Target
// retains no reference to body.
func (a *Adapter) decode(r *http.Request, body []byte, spec *Spec, target any) error {
	if len(body) == 0 {
		if spec.Body == BodyOptional {
			return nil
		}
		return problem.New(problem.InvalidRequest, "A request body is required.")
	}
	if err := checkContentType(r.Header, spec.MergePatch); err != nil {
		return err
	}
	if kind := jsontext.Value(body).Kind(); kind != '{' && jsontext.Value(body).IsValid() {
		return problem.New(problem.InvalidRequest, "The request body must be a JSON object.")
	}
	return a.decodeValue(body, target)
}

// DecodeValue decodes a JSON object that the gateway has made from the body of the request,
// as strictly as the body itself.
func (req *Request) DecodeValue(text []byte, target any) error {
	return req.adapter.decodeValue(text, target)
}

func (a *Adapter) decodeValue(body []byte, target any) error {
	limit := valueLimit(a.Bodies.Max)
	if err := json.Unmarshal(body, target, unmarshalOptions(len(body), limit)); err != nil {
		return jsonProblem(err, limit)
	}
	return nil
}

// checkContentType accepts JSON and, for a JSON Merge Patch, also the media type of RFC
// 7396.
func checkContentType(h http.Header, mergePatch bool) error {
	e := problem.New(problem.UnsupportedMediaType, "The request body must be application/json in UTF-8, not encoded.")
	e.Members.AcceptPost = JSON
	if mergePatch {
		e = problem.Newf(problem.UnsupportedMediaType, "The request body must be %s or %s in UTF-8, not encoded.", MergePatch, JSON)
		e.Members.AcceptPatch = MergePatch + ", " + JSON
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return e
	}
	mediaType, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType != JSON && (mediaType != MergePatch || !mergePatch) {
		return e
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return e
	}
	return nil
}

// jsonProblem returns the problem for a body that cannot be decoded, with a pointer of
// bounded length. The problem contains no value of the body, which may be a secret.
// Limit is the maximum number of values.
func jsonProblem(err error, limit int) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		e := problem.Newf(problem.InvalidJSON, "The request body is not valid JSON at byte %d.", syntactic.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Detail = fmt.Sprintf("The request body has a duplicate member at byte %d.", syntactic.ByteOffset)
		}
		e.Members.Errors = []problem.Field{{Pointer: problem.Truncate(string(syntactic.JSONPointer)), Detail: "is not valid JSON"}}
		return e.WithCause(err)
	case errors.As(err, &semantic) && errors.Is(err, errTooManyValues):
		return tooManyValues(limit, problem.Truncate(string(semantic.JSONPointer)))
	case errors.As(err, &semantic) && errors.Is(err, openapi.ErrPatchTooDeep):
		return problem.Invalid(problem.Truncate(string(semantic.JSONPointer)),
			fmt.Sprintf("must not be nested in more than %d objects", openapi.MaxPatchDepth))
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		e := problem.Newf(problem.UnknownField, "The request body has an unknown field at %s.", problem.Truncate(string(semantic.JSONPointer)))
		e.Members.Errors = []problem.Field{{Pointer: problem.Truncate(string(semantic.JSONPointer)), Detail: "is not a known field"}}
		return e
	case errors.As(err, &semantic):
		return problem.Invalid(problem.Truncate(string(semantic.JSONPointer)), "must be "+jsonTypeName(semantic.GoType))
	default:
		return problem.New(problem.InvalidJSON, "The request body cannot be read as JSON.").WithCause(err)
	}
}

// jsonTypeName describes the JSON form of a Go type.
func jsonTypeName(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "of another type"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "an integer in range"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a base64 string"
		}
		return "an array"
	default:
		return "an object"
	}
}
