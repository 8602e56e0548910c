package soak

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed keys.yaml
var keys []byte

// Settings returns the settings of the tested gateway as environment variables. It writes the keys file to dir.
//
// The limits on requests in flight are small, because the gateway shares two processors with Temporal and the callers,
// and concurrent requests delay each other. GOGC is high, because memory is plentiful and garbage collection costs CPU
// time.
func Settings(dir string) ([]string, error) {
	file := filepath.Join(dir, "keys.yaml")
	if err := os.WriteFile(file, keys, 0o600); err != nil {
		return nil, err
	}
	return []string{
		"FLOWGATE_AUTH_API_KEYS_FILE=" + file, "FLOWGATE_LISTEN_DRAIN_DELAY=0s",
		"FLOWGATE_LIMITS_IN_FLIGHT_READS=16", "FLOWGATE_LIMITS_IN_FLIGHT_WAITS=1600", "FLOWGATE_LIMITS_IN_FLIGHT_CALLER_SHARE=0.5",
		"GOGC=400",
	}, nil
}
