package handlers

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enumName gives an enum value in the SDK's words: protobuf's name without the
// prefix that the enum's values share. Unspecified is empty; a value that is
// newer than the gateway is shown by its number.
func enumName(e protoreflect.Enum) string {
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

// enumValue is the way back. Empty is unspecified.
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

// enum reads an enum member of a request.
func enum[E interface {
	~int32
	protoreflect.Enum
}](f *validation, pointer, name string) E {
	value, ok := enumValue[E](name)
	if !ok {
		f.add(pointer, "is not one of the known values")
	}
	return value
}
