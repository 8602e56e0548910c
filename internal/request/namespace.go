package request

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// CheckNamespace rejects names that no namespace can have. Authorisation does not reject
// them, because a grant may be for all namespaces with a prefix. The name is also sent as
// gRPC metadata, which permits only printable ASCII.
func CheckNamespace(name string) error {
	const maxLength = 1000 // the server's default limit for ids and names (limit.maxIDLength)
	if len(name) > maxLength || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return problem.Newf(problem.NamespaceNotFound, "%q is not a valid name of a namespace.", problem.Truncate(name))
	}
	return nil
}
