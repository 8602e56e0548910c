package upstream

import "google.golang.org/protobuf/reflect/protoreflect"

// CheckNamespace holds a message of type d against a namespace, as Invoke does.
func CheckNamespace(d protoreflect.MessageDescriptor, message []byte, namespace string) error {
	return newGuards(namespaceMarks).compile(d).check(message, &inspection{namespace: namespace})
}

// NamesResource tells whether the requests of a method name what they are about.
func NamesResource(fullMethod string) bool { return len(methods()[fullMethod].resource) > 0 }
