package payload

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
)

// SearchAttribute is a search attribute. Type is Text, Keyword, Int, Double, Bool, Datetime or KeywordList. It is empty
// if the request or the payload has no type.
type SearchAttribute struct {
	Type  string         `json:"type,omitempty"`
	Value jsontext.Value `json:"value"`
}

// keywordList is the only type whose values are lists.
const keywordList = "KeywordList"

var (
	errAttributeType  = errors.New("the type must be one of Text, Keyword, Int, Double, Bool, Datetime, KeywordList")
	errAttributeShape = errors.New(`an object must be {"type": ..., "value": ...}`)
	errAttributeKind  = errors.New("the value does not match the type")
)

// FromSearchAttribute converts {"type": ..., "value": ...} or a value without a type to a payload. An object always has
// the first form, because the value of a search attribute is never an object. A null removes the attribute: its payload
// has no type, as the server requires.
func FromSearchAttribute(value jsontext.Value) (*common.Payload, error) {
	attribute := SearchAttribute{Value: value}
	if value.Kind() == '{' {
		attribute = SearchAttribute{}
		if err := json.Unmarshal(value, &attribute, json.RejectUnknownMembers(true)); err != nil || attribute.Value == nil {
			return nil, errAttributeShape
		}
		if !isKnownType(attribute.Type) {
			return nil, errAttributeType
		}
		if !attribute.kindMatchesType() {
			return nil, fmt.Errorf("%w %s", errAttributeKind, attribute.Type)
		}
	}
	p := FromJSON(attribute.Value)
	if attribute.Type != "" && attribute.Value.Kind() != 'n' {
		p.Metadata[metadataType] = []byte(attribute.Type)
	}
	return p, nil
}

func isKnownType(name string) bool {
	t, err := enums.IndexedValueTypeFromString(name)
	return err == nil && t != enums.INDEXED_VALUE_TYPE_UNSPECIFIED && t.String() == name
}

// kindMatchesType reports whether the kind of the JSON value matches the type. The server validates the rest.
func (a SearchAttribute) kindMatchesType() bool {
	kind := a.Value.Kind()
	switch a.Type {
	case "Int":
		_, err := strconv.ParseInt(string(a.Value), 10, 64)
		return err == nil || kind == 'n'
	case "Double":
		_, err := strconv.ParseFloat(string(a.Value), 64)
		return kind == '0' && err == nil || kind == 'n'
	case "Bool":
		return kind == 't' || kind == 'f' || kind == 'n'
	case keywordList:
		return kind == '[' || kind == 'n'
	default:
		return kind == '"' || kind == 'n'
	}
}

// ToSearchAttribute converts a payload to a search attribute. ok is false if the payload is neither JSON nor null; no
// SDK writes such a payload.
func ToSearchAttribute(p *common.Payload) (attribute SearchAttribute, ok bool) {
	value, ok := ToJSON(p)
	if !ok {
		return SearchAttribute{}, false
	}
	return newSearchAttribute(string(p.GetMetadata()[metadataType]), value), true
}

func newSearchAttribute(typeName string, value jsontext.Value) SearchAttribute {
	attribute := SearchAttribute{Type: shortTypeName(typeName), Value: value}
	if attribute.Type != keywordList && value.Kind() == '[' {
		attribute.Value = unwrap(value)
	}
	return attribute
}

// AppendSearchAttribute appends the search attribute of a payload in wire form as {"type": ..., "value": ...}. ok is as
// for [ToSearchAttribute].
func AppendSearchAttribute(dst, wire []byte) (out []byte, ok bool, err error) {
	p, ok := Read(wire)
	if !ok {
		return dst, false, nil
	}
	value, ok := p.Plain()
	if !ok {
		return dst, false, nil
	}
	attribute := newSearchAttribute(string(p.Type), value)
	dst = append(dst, '{')
	if attribute.Type != "" {
		dst = append(dst, `"type":`...)
		if dst, err = jsontext.AppendQuote(dst, attribute.Type); err != nil {
			return dst, false, err
		}
		dst = append(dst, ',')
	}
	dst = append(append(dst, `"value":`...), attribute.Value...)
	return append(dst, '}'), true, nil
}

// shortTypeName converts the name of an enum value, such as INDEXED_VALUE_TYPE_INT, to the short form, such as Int.
// Some servers return the name of the enum value.
func shortTypeName(name string) string {
	switch name { // avoids the conversion in the common case
	case "Text", "Keyword", "Int", "Double", "Bool", "Datetime", keywordList:
		return name
	}
	if t, err := enums.IndexedValueTypeFromString(name); err == nil {
		return t.String()
	}
	return name
}

// unwrap returns the element of a list with one element, which clients that do not know the type write for a scalar.
func unwrap(list jsontext.Value) jsontext.Value {
	var elements []jsontext.Value
	if err := json.Unmarshal(list, &elements); err != nil || len(elements) != 1 {
		return list
	}
	return elements[0]
}
