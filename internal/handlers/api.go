package handlers

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Options are what the client API is made of.
type Options struct {
	*request.Front

	// Tokens seal page tokens, Delegated makes the tokens that callers hand on.
	Tokens    *seal.Keys
	Delegated *delegated.Tokens
	Limits    Limits
	// Settings are shown by GET /client.
	Settings Settings
	// QueryRejectConditions, by namespace, are for queries that name none.
	QueryRejectConditions map[string]string
	Version               string
	Metrics               *telemetry.Metrics
}

// Limits bound one request.
type Limits struct {
	MaxWait       time.Duration
	RequestBudget time.Duration
	// MaxDelegation is how long a delegated token lasts at most.
	MaxDelegation time.Duration
	// LongPoll is the deadline of a history poll at most.
	LongPoll time.Duration
}

// Settings are in force for every caller.
type Settings struct {
	Limits openapi.ClientLimits
	Retry  openapi.ClientRetry
}

// API serves the client API. It is an http.Handler by its routes, see
// [API.Mount].
type API struct {
	options      Options
	adapter      *operation.Adapter
	views        *convert.Views
	batchViews   batchViews
	historyViews historyViews
	polls        *longpoll.Polls
	drain        *longpoll.Drain
}

var _ openapi.ServerInterface = (*API)(nil)

// New makes the API. Its shared polls run under ctx; [API.Close] waits for
// them.
func New(ctx context.Context, options Options) *API {
	return &API{
		options: options, adapter: operation.New(options.Front, options.Tokens, operation.Limits{MaxWait: options.Limits.MaxWait, RequestBudget: options.Limits.RequestBudget}), views: convert.NewViews(), batchViews: newBatchViews(), historyViews: newHistoryViews(), drain: longpoll.NewDrain(),
		polls: longpoll.New(ctx, options.Upstream, options.Metrics, options.Limits.LongPoll),
	}
}

// Drain ends the waits in flight: their callers receive the response of a wait
// whose time is over, and can repeat the request elsewhere.
func (a *API) Drain() { a.drain.Begin() }

// Close waits until the shared polls have ended, which they do when ctx of
// [New] ends or their last caller has left.
func (a *API) Close() {
	a.polls.Close()
}
