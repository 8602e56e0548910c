package upstream

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// CheckNamespace holds a message of type d against a namespace, as Invoke does.
func CheckNamespace(d protoreflect.MessageDescriptor, message []byte, namespace string) error {
	return newGuards(requestMarks).compile(d).check(message, &inspection{namespace: namespace, callbacks: true})
}

// Classified reports whether an RPC has a class of what it starts, and whether
// its request names all of that.
func Classified(fullMethod string) (classified, named bool) {
	class := methods()[fullMethod].starts
	return class != 0, class == startsNamed
}

// ClassifiedMethods are the RPCs that have a class, by full name, as often as they
// are listed.
func ClassifiedMethods() []string { return slices.Concat(namedStarts(), unnamedStarts(), noStarts()) }

// Mark is what the guard takes a request's field for, for a limited caller; it is
// empty where the guard skips the field.
func Mark(field protoreflect.FieldDescriptor) string {
	return map[mark]string{
		marksNamespace: "namespace", marksIdentifier: "identifier", marksCallback: "callback", marksType: "type",
		marksQueue: "queue", marksEndpoint: "endpoint", marksWorkflow: "workflow",
	}[limitMarks(field)]
}

// NamesResource tells whether the requests of a method name what they are about.
func NamesResource(fullMethod string) bool { return len(methods()[fullMethod].resource) > 0 }
