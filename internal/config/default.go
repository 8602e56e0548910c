package config

import "time"

// Default returns the defaults of all settings. It does not pass [Config.Validate], because authentication has no
// default.
func Default() Config {
	return Config{
		Listen: Listen{
			Public:       ":8080",
			Admin:        "127.0.0.1:8081",
			DrainDelay:   5 * time.Second,
			DrainTimeout: 25 * time.Second,
			Timeouts: ListenTimeouts{
				ReadHeader: 5 * time.Second,
				ReadBody:   30 * time.Second,
				Write:      30 * time.Second,
				Idle:       75 * time.Second,
			},
			MaxHeaderBytes: 16 << 10,
		},
		Upstream: Upstream{
			Address:   "localhost:7233",
			KeepAlive: KeepAlive{Interval: 30 * time.Second, Timeout: 15 * time.Second},
			Retry:     defaultRetry(),
			Breaker:   Breaker{Failures: 20, Window: 10 * time.Second, Pause: time.Second},
			Credential: Credential{Mode: CredentialNone, Mint: Mint{
				Algorithm: ES256, Issuer: "flowgate", TTL: 5 * time.Minute, PublishAhead: 2 * time.Minute,
			}},

			MaxResponseBytes: 128 << 20, // the limit of the SDKs; the page size of a history limits batches of events, so a page can be large
		},
		Auth: Auth{
			APIKeys:      APIKeys{ReloadInterval: 500 * time.Millisecond},
			FailureLimit: FailureLimit{Burst: 20, PerSecond: 5},
		},
		Limits: Limits{
			MaxWait:       55 * time.Second,
			RequestBudget: 58 * time.Second,
			MaxBodyBytes:  4 << 20,
			Timeouts:      Timeouts{Default: 30 * time.Second, LongPoll: 70 * time.Second, Max: 5 * time.Minute},
			InFlight:      InFlight{Reads: 400, Writes: 200, Waits: 10_000, Polls: 1000, CallerShare: 0.75, Queue: 1000, QueueTime: time.Second},
			BytesInFlight: BytesInFlight{Requests: 256 << 20, Responses: 512 << 20},
		},
		Tokens: Tokens{MaxTTL: time.Hour},
		Docs:   Docs{Enabled: true},
		Log:    Log{Level: "info", Format: "json"},
	}
}

// defaultRetry returns the retry policy of the SDKs' core.
func defaultRetry() Retry {
	return Retry{
		InitialInterval: 100 * time.Millisecond,
		Multiplier:      1.7,
		MaxInterval:     5 * time.Second,
		MaxElapsed:      10 * time.Second,
		MaxAttempts:     10,
	}
}
