package transcode_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// sampleFile declares a message with a field of each kind that a query string
// can set. Temporal's API has only some of these kinds.
const sampleFile = `
name: "sample.proto" package: "sample" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/duration.proto"
dependency: "google/protobuf/wrappers.proto" dependency: "google/protobuf/field_mask.proto"
dependency: "google/protobuf/any.proto" dependency: "temporal/api/common/v1/message.proto"
enum_type { name: "Color" value { name: "COLOR_UNSPECIFIED" number: 0 } value { name: "COLOR_DARK_RED" number: 1 } value { name: "COLOR_COLD" number: -5 } }
message_type {
  name: "Sample"
  field { name: "plain_text" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "raw" number: 2 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "flag" number: 3 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "color" number: 4 type: TYPE_ENUM type_name: ".sample.Color" label: LABEL_OPTIONAL }
  field { name: "i32" number: 5 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "i64" number: 6 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "u32" number: 7 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  field { name: "u64" number: 8 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "s32" number: 9 type: TYPE_SINT32 label: LABEL_OPTIONAL }
  field { name: "s64" number: 10 type: TYPE_SINT64 label: LABEL_OPTIONAL }
  field { name: "f32" number: 11 type: TYPE_FIXED32 label: LABEL_OPTIONAL }
  field { name: "f64" number: 12 type: TYPE_FIXED64 label: LABEL_OPTIONAL }
  field { name: "sf32" number: 13 type: TYPE_SFIXED32 label: LABEL_OPTIONAL }
  field { name: "sf64" number: 14 type: TYPE_SFIXED64 label: LABEL_OPTIONAL }
  field { name: "float" number: 15 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "double" number: 16 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "texts" number: 17 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "counts" number: 18 type: TYPE_INT32 label: LABEL_REPEATED }
  field { name: "colors" number: 19 type: TYPE_ENUM type_name: ".sample.Color" label: LABEL_REPEATED }
  field { name: "times" number: 20 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_REPEATED }
  field { name: "at_time" number: 21 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "how_long" number: 22 type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" label: LABEL_OPTIONAL }
  field { name: "some_text" number: 23 type: TYPE_MESSAGE type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
  field { name: "some_count" number: 24 type: TYPE_MESSAGE type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "some_flag" number: 25 type: TYPE_MESSAGE type_name: ".google.protobuf.BoolValue" label: LABEL_OPTIONAL }
  field { name: "some_bytes" number: 26 type: TYPE_MESSAGE type_name: ".google.protobuf.BytesValue" label: LABEL_OPTIONAL }
  field { name: "mask" number: 27 type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
  field { name: "labels" number: 28 type: TYPE_MESSAGE type_name: ".sample.Sample.LabelsEntry" label: LABEL_REPEATED }
  field { name: "by_number" number: 29 type: TYPE_MESSAGE type_name: ".sample.Sample.ByNumberEntry" label: LABEL_REPEATED }
  field { name: "inner_one" number: 30 type: TYPE_MESSAGE type_name: ".sample.Sample" label: LABEL_OPTIONAL }
  field { name: "inners" number: 31 type: TYPE_MESSAGE type_name: ".sample.Sample" label: LABEL_REPEATED }
  field { name: "left" number: 32 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "right" number: 33 type: TYPE_MESSAGE type_name: ".sample.Sample" label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "maybe" number: 34 type: TYPE_INT32 label: LABEL_OPTIONAL oneof_index: 1 proto3_optional: true }
  field { name: "anything" number: 35 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
  field { name: "payload" number: 36 type: TYPE_MESSAGE type_name: ".temporal.api.common.v1.Payload" label: LABEL_OPTIONAL }
  field { name: "renamed" number: 37 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "@custom" }
  oneof_decl { name: "side" } oneof_decl { name: "_maybe" }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
  nested_type { name: "ByNumberEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_SINT32 label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_ENUM type_name: ".sample.Color" label: LABEL_OPTIONAL } }
}`

func sampleType(tb testing.TB) protoreflect.MessageType {
	tb.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	require.NoError(tb, prototext.Unmarshal([]byte(sampleFile), file))
	linked, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	require.NoError(tb, err)
	return dynamicpb.NewMessageType(linked.Messages().ByName("Sample"))
}

// sample parses a sample message from its text form.
func sample(tb testing.TB, messageType protoreflect.MessageType, text string) proto.Message {
	tb.Helper()
	m := messageType.New().Interface()
	require.NoError(tb, prototext.Unmarshal([]byte(text), m), text)
	return m
}
