package handlers

import (
	"context"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/batch"
	"github.com/flowgate/flowgate/internal/handlers/gateway"
	"github.com/flowgate/flowgate/internal/handlers/history"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/handlers/token"
	"github.com/flowgate/flowgate/internal/handlers/update"
	"github.com/flowgate/flowgate/internal/handlers/workflow"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// The resources, by the names that [API] embeds them with.
type (
	batches   = batch.Service
	gateways  = gateway.Service
	histories = history.Service
	tokens    = token.Service
	updates   = update.Service
	workflows = workflow.Service
)

// API serves the client API: each resource has its operations.
type API struct {
	*batches
	*gateways
	*histories
	*tokens
	*updates
	*workflows

	polls *longpoll.Polls
	drain *longpoll.Drain
}

var _ openapi.ServerInterface = (*API)(nil)

// Options configure the client API.
type Options struct {
	*request.Front

	// Seals seal page tokens. Delegated issues the tokens that callers pass on, for
	// MaxTTL at most.
	Seals     *seal.Keys
	Delegated *delegated.Tokens
	MaxTTL    time.Duration
	Limits    config.Limits
	// Retry is the policy of the upstream, which clients can read.
	Retry config.Retry
	// QueryRejectConditions are the defaults of queries by namespace.
	QueryRejectConditions map[string]string
	Version               string
	Metrics               *telemetry.Metrics
}

// New returns the API. Its shared polls run until ctx ends or their last caller
// leaves.
func New(ctx context.Context, options Options) *API {
	adapter := operation.New(options.Front, options.Seals, operation.Limits{
		MaxWait: options.Limits.MaxWait, RequestBudget: options.Limits.RequestBudget,
	})
	polls, drain := longpoll.New(ctx, options.Upstream, options.Metrics, options.Limits.Timeouts.LongPoll), longpoll.NewDrain()
	return &API{
		polls: polls, drain: drain,
		batches: batch.New(adapter),
		gateways: gateway.New(adapter, gateway.Options{
			Version: options.Version, Limits: options.Limits, Retry: options.Retry, RejectConditions: options.QueryRejectConditions,
		}),
		histories: history.New(adapter, polls, drain),
		tokens:    token.New(adapter, options.Delegated, options.MaxTTL),
		updates:   update.New(adapter, polls, drain, options.Metrics),
		workflows: workflow.New(adapter, polls, drain, options.QueryRejectConditions),
	}
}

// Mount adds the API's routes to a router.
func (a *API) Mount(router chi.Router) { openapi.Mount(router, a) }

// Drain ends the waits in flight: their callers receive the response of a wait that
// timed out, and can repeat the request on another replica.
func (a *API) Drain() { a.drain.Begin() }

// Close waits until the shared polls have ended.
func (a *API) Close() { a.polls.Close() }
