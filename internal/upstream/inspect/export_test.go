package inspect

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// CheckNamespace checks a message of type d for a namespace, as [Method.Check] does.
func CheckNamespace(d protoreflect.MessageDescriptor, message []byte, namespace string) error {
	return newGuards(requestMarks).compile(d).check(message, &inspection{namespace: namespace, callbacks: true})
}

// Classified reports whether an RPC that writes is classified by the work that it can
// start, and whether its request names all of this work.
func Classified(fullMethod string) (classified, named bool) {
	class := startClasses()[fullMethod]
	return class != 0, class == startsNamed
}

// ClassifiedMethods returns the full method names of all classified RPCs. An RPC that
// is listed twice by mistake occurs twice.
func ClassifiedMethods() []string { return slices.Concat(namedStarts(), unnamedStarts(), noStarts()) }

// Mark returns the mark of a field in requests of a limited caller. It is empty for
// a field that the guard skips.
func Mark(field protoreflect.FieldDescriptor) string {
	return map[mark]string{
		marksNamespace: "namespace", marksIdentifier: "identifier", marksCallback: "callback", marksType: "type",
		marksQueue: "queue", marksEndpoint: "endpoint", marksWorkflow: "workflow", marksTaskToken: "task token",
	}[limitMarks(field)]
}

// NamesResource reports whether the requests of an RPC have the id of what they are
// about.
func NamesResource(method Method) bool { return len(method.resource) > 0 }

// HasTarget reports whether an RPC's requests can be checked for a delegated token.
func HasTarget(method Method) bool {
	return method.target != nil && len(method.target.workflowID) > 0 && len(method.target.runID) > 0
}
