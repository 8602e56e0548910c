package gateway

import (
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations that describe the gateway.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	options  Options
	limits   openapi.ClientLimits
	retry    openapi.ClientRetry
}

// Options are what the gateway reports about itself.
type Options struct {
	Version string
	Limits  config.Limits
	Retry   config.Retry
	// RejectConditions maps a namespace to the reject condition of queries that name
	// none.
	RejectConditions map[string]string
}

// New returns the service.
func New(adapter *operation.Adapter, options Options) *Service {
	return &Service{
		adapter: adapter, upstream: adapter.Upstream, options: options,
		limits: limits(options.Limits), retry: retry(options.Retry),
	}
}

func limits(l config.Limits) openapi.ClientLimits {
	return openapi.ClientLimits{
		MaxWait: convert.FormatSeconds(l.MaxWait), RequestBudget: convert.FormatSeconds(l.RequestBudget), MaxBodyBytes: l.MaxBodyBytes,
		Timeouts: openapi.ClientTimeouts{
			Default:  convert.FormatSeconds(l.Timeouts.Default),
			LongPoll: convert.FormatSeconds(l.Timeouts.LongPoll),
			Max:      convert.FormatSeconds(l.Timeouts.Max),
		},
	}
}

func retry(r config.Retry) openapi.ClientRetry {
	return openapi.ClientRetry{
		InitialInterval: convert.FormatSeconds(r.InitialInterval), Multiplier: r.Multiplier,
		MaxInterval: convert.FormatSeconds(r.MaxInterval), MaxElapsed: convert.FormatSeconds(r.MaxElapsed),
		MaxAttempts: r.MaxAttempts,
	}
}
