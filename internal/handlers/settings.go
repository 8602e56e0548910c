package handlers

import (
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// NewSettings writes the configuration in the API's words.
func NewSettings(limits config.Limits, upstream config.Upstream) Settings {
	return Settings{
		Limits: openapi.ClientLimits{
			MaxWait: formatSeconds(limits.MaxWait), RequestBudget: formatSeconds(limits.RequestBudget), MaxBodyBytes: limits.MaxBodyBytes,
			Timeouts: openapi.ClientTimeouts{
				Default: formatSeconds(limits.Timeouts.Default), LongPoll: formatSeconds(limits.Timeouts.LongPoll), Max: formatSeconds(limits.Timeouts.Max),
			},
		},
		Retry: openapi.ClientRetry{
			InitialInterval: formatSeconds(upstream.Retry.InitialInterval), Multiplier: upstream.Retry.Multiplier,
			MaxInterval: formatSeconds(upstream.Retry.MaxInterval), MaxElapsed: formatSeconds(upstream.Retry.MaxElapsed),
			MaxAttempts: upstream.Retry.MaxAttempts,
		},
	}
}
