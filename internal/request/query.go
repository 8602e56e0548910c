package request

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flowgate/flowgate/internal/problem"
)

// maxQueryErrors is the maximum number of errors in a query string that one response
// reports. A query string of 16 KiB could otherwise cause thousands.
const maxQueryErrors = 50

// ParseQuery parses the query string of a request. It is stricter than
// [url.URL.Query], which drops what it cannot parse.
func ParseQuery(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return url.Values{}, nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem.New(problem.InvalidRequest, "The query string is malformed.").WithCause(err)
	}
	return values, nil
}

// BindQuery sets the fields of params, a pointer to a struct, from a query
// string. The `form` tag of a field names its parameter; without omitempty the
// parameter is required. A slice has the values of a parameter that can be repeated. A
// map has the values of all parameters whose names begin with the name of the field and a
// dot, by the rest of the name. The error is a [problem.InvalidRequest] that lists all
// unknown, repeated, missing and malformed parameters.
func BindQuery(values url.Values, params any) error {
	target := reflect.ValueOf(params).Elem()
	parameters := parametersOf(target.Type())
	if len(values) == 0 && !parameters.required {
		return nil
	}
	var errs []problem.Field
	for name, given := range values {
		p, key, known := parameters.find(name)
		switch {
		case !known:
			errs = append(errs, problem.Field{Pointer: "?" + problem.Truncate(name), Detail: "is not a parameter of this operation"})
		case p.kind == reflect.Slice:
			setList(target.Field(p.index), given)
		case len(given) > 1:
			errs = append(errs, problem.Field{Pointer: "?" + problem.Truncate(name), Detail: "must be given once"})
		case p.kind == reflect.Map:
			setEntry(target.Field(p.index), key, given[0])
		case !setParameter(target.Field(p.index), given[0]):
			errs = append(errs, problem.Field{Pointer: "?" + name, Detail: "cannot be read"})
		}
	}
	for name, p := range parameters.byName {
		if p.required && !values.Has(name) {
			errs = append(errs, problem.Field{Pointer: "?" + name, Detail: "is required"})
		}
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b problem.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return problem.InvalidFields(errs[:min(len(errs), maxQueryErrors)]...)
}

// parameters are the query parameters of one operation.
type parameters struct {
	byName   map[string]parameter
	required bool // whether any parameter is required
}

type parameter struct {
	index    int          // of the struct field
	kind     reflect.Kind // of the struct field
	required bool
}

// find returns the parameter with a name. For a map, key is the rest of the name after the
// name of the field and a dot.
func (p *parameters) find(name string) (found parameter, key string, known bool) {
	if found, known = p.byName[name]; known {
		return found, "", found.kind != reflect.Map
	}
	name, key, _ = strings.Cut(name, ".")
	found, known = p.byName[name]
	return found, key, known && found.kind == reflect.Map && key != ""
}

//nolint:gochecknoglobals // a cache of facts about types, which never change
var parametersByType sync.Map // from reflect.Type to *parameters

func parametersOf(t reflect.Type) *parameters {
	if cached, ok := parametersByType.Load(t); ok {
		return cached.(*parameters) //nolint:forcetypeassert // nothing else is stored
	}
	p := &parameters{byName: map[string]parameter{}}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("form"), ",")
		required := option != "omitempty"
		p.byName[name] = parameter{index: i, kind: t.Field(i).Type.Kind(), required: required}
		p.required = p.required || required
	}
	cached, _ := parametersByType.LoadOrStore(t, p)
	return cached.(*parameters) //nolint:forcetypeassert // see above
}

// setList sets a field that is a slice of strings.
func setList(field reflect.Value, given []string) {
	field.Set(reflect.MakeSlice(field.Type(), len(given), len(given)))
	for i, text := range given {
		field.Index(i).SetString(text)
	}
}

// setEntry sets an entry of a field that is a map of strings.
func setEntry(field reflect.Value, key, text string) {
	if field.IsNil() {
		field.Set(reflect.MakeMap(field.Type()))
	}
	field.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text))
}

// setParameter parses text and sets the field. It returns false if text is not a value
// of the field's type.
func setParameter(field reflect.Value, text string) bool {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
		return true
	case reflect.Bool:
		value, err := strconv.ParseBool(text)
		field.SetBool(value)
		return err == nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		value, err := strconv.ParseInt(text, 10, field.Type().Bits())
		field.SetInt(value)
		return err == nil
	default:
		return false
	}
}
