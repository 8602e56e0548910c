package token

import (
	"time"

	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operation on delegated tokens.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	tokens   *delegated.Tokens
	maxTTL   time.Duration
}

// New returns the service. MaxTTL is the lifetime of a token if the caller requests none.
func New(adapter *operation.Adapter, tokens *delegated.Tokens, maxTTL time.Duration) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, tokens: tokens, maxTTL: maxTTL}
}
