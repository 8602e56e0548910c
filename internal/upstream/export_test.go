package upstream

import "google.golang.org/protobuf/reflect/protoreflect"

// CheckNamespace holds a message of type d against a namespace, as Invoke does.
func CheckNamespace(d protoreflect.MessageDescriptor, message []byte, namespace string) error {
	return guards{}.compile(d).check(message, namespace)
}
