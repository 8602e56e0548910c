package namespace

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListSearchAttributes returns the search attributes of a namespace and their types.
func (s *Service) ListSearchAttributes(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listSearchAttributes", Namespace: namespace,
		Method: operatorservice.OperatorService_ListSearchAttributes_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		found, err := s.searchAttributes(ctx, namespace)
		if err != nil {
			return nil, err
		}
		return operation.OK(openapi.SearchAttributeTypes{
			CustomAttributes: typeNames(found.GetCustomAttributes()), SystemAttributes: typeNames(found.GetSystemAttributes()),
		}), nil
	})
}

// AddSearchAttributes adds search attributes to a namespace.
func (s *Service) AddSearchAttributes(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "addSearchAttributes", Namespace: namespace, Body: operation.BodyRequired,
		Method: operatorservice.OperatorService_AddSearchAttributes_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _ *operation.None, body *openapi.AddSearchAttributesRequest,
	) (*operation.Response, error) {
		types, err := parseTypes(body.Attributes)
		if err != nil {
			return nil, err
		}
		found, err := s.searchAttributes(upstream.WithInternal(ctx), namespace)
		if err != nil {
			return nil, err
		}
		if err := checkNew(types, found); err != nil {
			return nil, err
		}
		err = s.upstream.Do(ctx, spec.Method, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: types,
		}, &operatorservice.AddSearchAttributesResponse{})
		return operation.NoContent(), err
	})
}

// RemoveSearchAttribute removes a search attribute from a namespace.
func (s *Service) RemoveSearchAttribute(w http.ResponseWriter, r *http.Request, namespace, name string) {
	spec := operation.Spec{
		Name: "removeSearchAttribute", Namespace: namespace,
		Method: operatorservice.OperatorService_RemoveSearchAttributes_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		var v convert.Validation
		v.CheckID("name", name)
		if err := v.Err(); err != nil {
			return nil, err
		}
		found, err := s.searchAttributes(upstream.WithInternal(ctx), namespace)
		if err != nil {
			return nil, err
		}
		// The server would ignore a name that it does not know.
		if _, custom := found.GetCustomAttributes()[name]; !custom {
			if _, system := found.GetSystemAttributes()[name]; system {
				return nil, problem.Invalid("name", "is a search attribute of every namespace, which cannot be removed")
			}
			return nil, problem.New(problem.SearchAttributeNotFound, "The namespace has no search attribute with this name.")
		}
		err = s.upstream.Do(ctx, spec.Method, &operatorservice.RemoveSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: []string{name},
		}, &operatorservice.RemoveSearchAttributesResponse{})
		return operation.NoContent(), err
	})
}

func (s *Service) searchAttributes(ctx context.Context, namespace string) (*operatorservice.ListSearchAttributesResponse, error) {
	response := &operatorservice.ListSearchAttributesResponse{}
	err := s.upstream.Do(ctx, operatorservice.OperatorService_ListSearchAttributes_FullMethodName,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace}, response)
	return response, err
}

func typeNames(types map[string]enums.IndexedValueType) map[string]openapi.SearchAttributeType {
	names := make(map[string]openapi.SearchAttributeType, len(types))
	for name, valueType := range types {
		names[name] = valueType.String()
	}
	return names
}

// maxAttributes limits one request. Servers permit fewer attributes in a namespace.
const maxAttributes = 100

// reservedPrefix is the prefix of the names that the server reserves.
const reservedPrefix = "Temporal"

// attributeName matches the names that are accepted. The server accepts others too, with
// quotes, spaces or any length, which are hard or impossible to use in a query.
var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,199}$`)

// parseTypes validates the names and types of search attributes to add.
func parseTypes(attributes map[string]openapi.SearchAttributeType) (map[string]enums.IndexedValueType, error) {
	var v convert.Validation
	if len(attributes) == 0 {
		v.Add("/attributes", "must have at least one search attribute")
	}
	if len(attributes) > maxAttributes {
		v.Add("/attributes", "must have at most 100 search attributes")
		return nil, v.Err()
	}
	types := make(map[string]enums.IndexedValueType, len(attributes))
	for name, typeName := range attributes {
		pointer := pointerTo(name)
		if !attributeName.MatchString(name) {
			v.Add(pointer, "must begin with a letter, contain only letters, digits, _ and -, and have at most 200 characters")
		}
		if strings.HasPrefix(name, reservedPrefix) {
			v.Add(pointer, `must not start with "Temporal", which is reserved`)
		}
		valueType, err := enums.IndexedValueTypeFromString(typeName)
		if err != nil || valueType == enums.INDEXED_VALUE_TYPE_UNSPECIFIED || valueType.String() != typeName {
			v.Add(pointer, "must be one of Text, Keyword, Int, Double, Bool, Datetime, KeywordList")
		}
		types[name] = valueType
	}
	return types, v.Err()
}

// checkNew rejects search attributes that the server would ignore or reject, because
// they exist with another type or in every namespace.
func checkNew(types map[string]enums.IndexedValueType, found *operatorservice.ListSearchAttributesResponse) error {
	var v convert.Validation
	for name, valueType := range types {
		if _, system := found.GetSystemAttributes()[name]; system {
			v.Add(pointerTo(name), "is a search attribute of every namespace")
		}
		if existing, ok := found.GetCustomAttributes()[name]; ok && existing != valueType {
			return problem.Newf(problem.Conflict, "The search attribute %s exists with the type %s.", problem.Truncate(name), existing)
		}
	}
	return v.Err()
}

func pointerTo(name string) string {
	return string(jsontext.Pointer("/attributes").AppendToken(name))
}
