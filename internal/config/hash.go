package config

import (
	"crypto/sha256"
	"encoding/hex"

	"go.yaml.in/yaml/v3"
)

// Hash returns a short hash of all settings but the addresses to listen on, in which replicas on one machine must differ.
// Replicas of one version whose other settings are equal have equal hashes. The hash does not cover the contents of files,
// and so depends on no secret.
func (c *Config) Hash() string {
	const length = 12 // hexadecimal digits: enough to distinguish a handful of configurations
	shared := *c
	shared.Listen.Public, shared.Listen.Admin = "", ""
	text, err := yaml.Marshal(&shared)
	if err != nil {
		return "" // impossible: every setting has a type that YAML can represent
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:length]
}
