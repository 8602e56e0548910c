package handlers

import (
	"github.com/flowgate/flowgate/internal/config"
)

// NewSettings writes the configuration in the API's words.
func NewSettings(limits config.Limits, upstream config.Upstream) Settings {
	return Settings{
		Limits: ClientLimits{
			MaxWait: seconds(limits.MaxWait), RequestBudget: seconds(limits.RequestBudget), MaxBodyBytes: limits.MaxBodyBytes,
			Timeouts: ClientTimeouts{
				Default: seconds(limits.Timeouts.Default), LongPoll: seconds(limits.Timeouts.LongPoll), Max: seconds(limits.Timeouts.Max),
			},
		},
		Retry: ClientRetry{
			InitialInterval: seconds(upstream.Retry.InitialInterval), Multiplier: upstream.Retry.Multiplier,
			MaxInterval: seconds(upstream.Retry.MaxInterval), MaxElapsed: seconds(upstream.Retry.MaxElapsed),
			MaxAttempts: upstream.Retry.MaxAttempts,
		},
	}
}
