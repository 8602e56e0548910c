package soak

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed keys.yaml
var keys []byte

// Settings are those of a gateway that is soaked, as variables of its environment. It writes its keys file into dir.
//
// The places are few, as are the processors: on two of them, which the gateway shares with Temporal and the callers, what
// is served at the same time is what makes others wait. Memory is not scarce, and is traded for the time of collections.
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
