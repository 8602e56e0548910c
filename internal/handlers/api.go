package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/flowgate/flowgate/internal/auth/delegated"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Options are what the client API is made of.
type Options struct {
	Upstream *upstream.Client
	// Tokens seal page tokens, Delegated makes the tokens that callers hand on.
	Tokens    *seal.Keys
	Delegated *delegated.Tokens
	Limits    Limits
	// Settings are shown by GET /client.
	Settings Settings
	// CallerMetadata are the metadata keys that every caller may send.
	CallerMetadata []string
	// QueryRejectConditions, by namespace, are for queries that name none.
	QueryRejectConditions map[string]string
	Version               string
	// Bodies reads the requests' bodies.
	Bodies *request.Bodies
	// Reads, Writes and Waits bound what is in flight of each kind.
	Reads, Writes, Waits *limit.Pool
	// Responses bounds the bytes of responses until they are written.
	Responses *limit.Bytes

	Metrics *telemetry.Metrics
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
	Limits ClientLimits
	Retry  ClientRetry
}

// API serves the client API. It is an http.Handler by its routes, see
// [API.Mount].
type API struct {
	options      Options
	views        *views
	outcomePolls *outcomePolls
	historyTails *tailGroup
	// updatePolls are those that callers share.
	updatePolls *updatePolls

	draining context.Context //nolint:containedctx // the API's life, not a request's
	drain    context.CancelFunc
}

var _ ServerInterface = (*API)(nil)

// New makes the API. Its shared polls run under ctx; [API.Close] waits for
// them.
func New(ctx context.Context, options Options) *API {
	a := &API{options: options, views: newViews()}
	a.draining, a.drain = context.WithCancel(context.Background())
	a.outcomePolls, a.historyTails = newOutcomePolls(ctx, options), newTailGroup(ctx, options)
	a.updatePolls = &updatePolls{outcomePolls: a.outcomePolls, byKey: map[updateKey]*updatePoll{}}
	return a
}

// Drain ends the waits in flight: their callers are told that what they wait
// for is still on its way.
func (a *API) Drain() { a.drain() }

// Close waits until the shared polls have ended, which they do when ctx of
// [New] ends or their last caller has left.
func (a *API) Close() {
	a.outcomePolls.close()
	a.historyTails.close()
}

// noBody is the body type of operations that have none.
type noBody struct{}

// okResponse answers with a document.
func okResponse(body any) *response { return &response{status: http.StatusOK, body: body} }

// noContent answers what has nothing to tell.
func noContent() *response { return &response{status: http.StatusNoContent} }
