package handlers

import (
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

// tokenScope is what a page token is bound to: an upstream token is the
// server's own memory, and a caller must neither make one nor carry one to
// another namespace or operation. Query is part of it because the server's
// token continues one query only.
type tokenScope struct {
	principal, namespace, operation, query string
}

func (s tokenScope) seal() seal.Scope {
	return seal.Scope{"page", s.principal, s.namespace, s.operation, s.query}
}

// sealPage makes the caller's form of an upstream page token; an empty one, the
// end of the list, stays empty.
func sealPage(keys *seal.Keys, scope tokenScope, upstream []byte) string {
	if len(upstream) == 0 {
		return ""
	}
	return keys.Seal(scope.seal(), upstream)
}

// openPage gives back the upstream's token.
func openPage(keys *seal.Keys, scope tokenScope, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	upstream, ok := keys.Open(scope.seal(), token)
	if !ok {
		return nil, problem.New(problem.InvalidPageToken, "The page token was not made for this caller, namespace and query.")
	}
	return upstream, nil
}
