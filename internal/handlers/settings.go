package handlers

import (
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// NewSettings writes the configuration in the API's words.
func NewSettings(limits config.Limits, upstream config.Upstream) Settings {
	return Settings{
		Limits: openapi.ClientLimits{
			MaxWait: convert.FormatSeconds(limits.MaxWait), RequestBudget: convert.FormatSeconds(limits.RequestBudget), MaxBodyBytes: limits.MaxBodyBytes,
			Timeouts: openapi.ClientTimeouts{
				Default: convert.FormatSeconds(limits.Timeouts.Default), LongPoll: convert.FormatSeconds(limits.Timeouts.LongPoll), Max: convert.FormatSeconds(limits.Timeouts.Max),
			},
		},
		Retry: openapi.ClientRetry{
			InitialInterval: convert.FormatSeconds(upstream.Retry.InitialInterval), Multiplier: upstream.Retry.Multiplier,
			MaxInterval: convert.FormatSeconds(upstream.Retry.MaxInterval), MaxElapsed: convert.FormatSeconds(upstream.Retry.MaxElapsed),
			MaxAttempts: upstream.Retry.MaxAttempts,
		},
	}
}
