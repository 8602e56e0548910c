package yamlnode

import (
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

// Tag is the struct tag that names a field in the file.
const Tag = "yaml"

// Decode decodes node into the struct that into points to, whose fields have the tag `yaml`. It supports bools,
// integers, floats, strings, durations, slices, maps with string keys, and structs of these. A field that is missing or
// null in the file keeps its value. A value of the wrong type is reported as a problem, and its field keeps its value.
func (r *Reader) Decode(path string, node *yaml.Node, into any) {
	r.decode(path, node, reflect.ValueOf(into).Elem())
}

func (r *Reader) decode(path string, node *yaml.Node, into reflect.Value) {
	before := len(r.problems)
	var value any
	switch {
	case into.Type() == reflect.TypeFor[time.Duration]():
		value = r.Duration(path, node)
	case into.Kind() == reflect.Struct:
		r.decodeStruct(path, node, into)
		return
	case into.Kind() == reflect.Map:
		r.decodeMap(path, node, into)
		return
	case into.Kind() == reflect.Slice:
		r.decodeSlice(path, node, into)
		return
	case into.Kind() == reflect.Bool:
		value = r.Bool(path, node)
	case into.CanInt():
		value = r.Int(path, node)
	case into.CanFloat():
		value = r.Float(path, node)
	default:
		value = r.String(path, node)
	}
	if len(r.problems) == before {
		into.Set(reflect.ValueOf(value).Convert(into.Type()))
	}
}

func (r *Reader) decodeStruct(path string, node *yaml.Node, into reflect.Value) {
	fields := make(map[string]Field, into.NumField())
	for i := range into.NumField() {
		fields[into.Type().Field(i).Tag.Get(Tag)] = func(path string, node *yaml.Node) {
			if !IsNull(node) {
				r.decode(path, node, into.Field(i))
			}
		}
	}
	r.Object(path, node, fields)
}

func (r *Reader) decodeMap(path string, node *yaml.Node, into reflect.Value) {
	if IsMapping(node) {
		into.Set(reflect.MakeMap(into.Type()))
	}
	r.Entries(path, node, func(name, childPath string, node *yaml.Node) {
		if IsNull(node) {
			return
		}
		value := reflect.New(into.Type().Elem()).Elem()
		r.decode(childPath, node, value)
		into.SetMapIndex(reflect.ValueOf(name), value)
	})
}

func (r *Reader) decodeSlice(path string, node *yaml.Node, into reflect.Value) {
	if resolveAlias(node).Kind == yaml.SequenceNode {
		into.Set(reflect.MakeSlice(into.Type(), 0, len(resolveAlias(node).Content)))
	}
	r.List(path, node, func(childPath string, node *yaml.Node) {
		element := reflect.New(into.Type().Elem()).Elem()
		r.decode(childPath, node, element)
		into.Set(reflect.Append(into, element))
	})
}
