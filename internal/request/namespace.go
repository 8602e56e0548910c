package request

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
)

// CheckNamespace refuses a namespace that there cannot be. GRPC carries a call's
// namespace as metadata too, which takes no other characters; a grant may end in
// *, and lets any name through.
func CheckNamespace(name string) error {
	const longest = 1000 // the server's limit for ids, namespaces among them (limit.maxIDLength)
	if len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return problem.Newf(problem.NamespaceNotFound, "There can be no namespace %q.", problem.Truncate(name))
	}
	return nil
}
