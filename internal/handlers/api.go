package handlers

import (
	"context"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/activity"
	"github.com/flowgate/flowgate/internal/handlers/batch"
	"github.com/flowgate/flowgate/internal/handlers/deployment"
	"github.com/flowgate/flowgate/internal/handlers/gateway"
	"github.com/flowgate/flowgate/internal/handlers/history"
	"github.com/flowgate/flowgate/internal/handlers/namespace"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/handlers/schedule"
	"github.com/flowgate/flowgate/internal/handlers/taskqueue"
	"github.com/flowgate/flowgate/internal/handlers/token"
	"github.com/flowgate/flowgate/internal/handlers/update"
	"github.com/flowgate/flowgate/internal/handlers/workflow"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// The aliases give the services that [API] embeds different names, because each type is
// named Service.
type (
	activities  = activity.Service
	batches     = batch.Service
	deployments = deployment.Service
	gateways    = gateway.Service
	histories   = history.Service
	namespaces  = namespace.Service
	schedules   = schedule.Service
	taskQueues  = taskqueue.Service
	tokens      = token.Service
	updates     = update.Service
	workflows   = workflow.Service
)

// API serves the client API. Its operations are the methods of the embedded services.
type API struct {
	*activities
	*batches
	*deployments
	*gateways
	*histories
	*namespaces
	*schedules
	*taskQueues
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

	// Seals has the keys that seal page tokens. Delegated issues delegated tokens, whose
	// default lifetime is MaxTTL.
	Seals     *seal.Keys
	Delegated *delegated.Tokens
	MaxTTL    time.Duration
	Limits    config.Limits
	// Retry is the policy with which calls to Temporal are retried. The operation
	// getClient reports it.
	Retry config.Retry
	// QueryRejectConditions maps a namespace to the reject condition of queries that name
	// none.
	QueryRejectConditions map[string]string
	Version               string
	Metrics               *telemetry.Metrics
}

// New returns the API. A shared poll runs until ctx ends or the last request that waits
// for it leaves.
func New(ctx context.Context, options Options) *API {
	adapter := operation.New(options.Front, options.Seals, operation.Limits{
		MaxWait: options.Limits.MaxWait, RequestBudget: options.Limits.RequestBudget,
	})
	polls, drain := longpoll.New(ctx, options.Upstream, options.Metrics, options.Limits.Timeouts.LongPoll), longpoll.NewDrain()
	return &API{
		polls: polls, drain: drain,
		activities:  activity.New(adapter, polls, drain),
		batches:     batch.New(adapter),
		deployments: deployment.New(adapter),
		gateways: gateway.New(adapter, gateway.Options{
			Version: options.Version, Limits: options.Limits, Retry: options.Retry, RejectConditions: options.QueryRejectConditions,
		}),
		histories:  history.New(adapter, polls, drain),
		namespaces: namespace.New(adapter),
		taskQueues: taskqueue.New(ctx, adapter, drain),
		tokens:     token.New(adapter, options.Delegated, options.MaxTTL),
		updates:    update.New(adapter, polls, drain, options.Metrics),
		workflows:  workflow.New(adapter, polls, drain, options.QueryRejectConditions),
		schedules:  schedule.New(adapter),
	}
}

// Mount adds the API's routes to a router.
func (a *API) Mount(router chi.Router) { openapi.Mount(router, a) }

// Drain ends the waits in flight. Their callers receive the response of a wait that timed
// out, and can repeat the request on another replica.
func (a *API) Drain() { a.drain.Begin() }

// Close waits until the shared polls and the polls for tasks have ended.
func (a *API) Close() {
	a.polls.Close()
	a.taskQueues.Close()
}
