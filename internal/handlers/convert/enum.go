package convert

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// EnumName returns the SDKs' name of an enum value: protobuf's name without the prefix that
// all values of the enum share. It returns an empty string for the unspecified value, and
// the number of a value that is newer than the gateway.
func EnumName(e protoreflect.Enum) string {
	if e.Number() == 0 {
		return ""
	}
	values := e.Descriptor().Values()
	value := values.ByNumber(e.Number())
	if value == nil {
		return strconv.Itoa(int(e.Number()))
	}
	return strings.TrimPrefix(string(value.Name()), enumPrefix(values))
}

// enumValue is the inverse of [EnumName]. An empty name is that of the unspecified value.
func enumValue[E interface {
	~int32
	protoreflect.Enum
}](name string) (value E, ok bool) {
	if name == "" {
		return 0, true
	}
	values := value.Descriptor().Values()
	found := values.ByName(protoreflect.Name(enumPrefix(values) + name))
	if found == nil {
		return 0, false
	}
	return E(found.Number()), true
}

func enumPrefix(values protoreflect.EnumValueDescriptors) string {
	return strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED")
}

// Enum parses an enum in a request. An empty name is that of the unspecified value.
func Enum[E interface {
	~int32
	protoreflect.Enum
}](v *Validation, pointer, name string) E {
	value, ok := enumValue[E](name)
	if !ok {
		v.Add(pointer, "is not one of the known values")
	}
	return value
}
