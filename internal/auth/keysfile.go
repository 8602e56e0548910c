package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// keysFile builds a [keySet] from the file's document.
type keysFile struct {
	yamlnode.Reader

	keys *keySet
	// tokens finds the tokens of the entries' credentials.
	tokens tokenFiles
	// idPaths and hashPaths say where each was seen first: an id in the file,
	// a hash in its key. Two keys may have one secret, since a caller names
	// the key that it means.
	idPaths   map[string]string
	hashPaths map[[sha256.Size]byte]string
}

// keysParser makes the parser of a keys file in dir.
func keysParser(dir string, options Options) reload.Parser[keySet] {
	return func(content []byte, inForce *keySet) (*keySet, error) {
		return parseKeys(content, tokenFiles{dir: dir, options: options, inForce: inForce})
	}
}

// parseKeys reads the keys file; its error joins every problem.
func parseKeys(content []byte, tokens tokenFiles) (*keySet, error) {
	f := &keysFile{
		keys: &keySet{
			byID:        map[string]*apiKey{},
			dummyKey:    &apiKey{disabled: true, secrets: []secret{{}}},
			credentials: map[string]*Credential{},
		},
		tokens:  tokens,
		idPaths: map[string]string{},
	}
	f.Secret = maybeSecret
	if root := f.Document(content); root != nil {
		f.Object("", root, map[string]yamlnode.Field{"keys": func(path string, node *yaml.Node) { f.List(path, node, f.key) }})
		f.Require("", root, "keys")
	} else if f.Err() == nil {
		f.Reportf("", "is empty") // somebody may still be writing it
	}
	return f.keys, f.Err()
}

// maybeSecret reports whether a mapping's key may be a secret in the wrong place: it is as long as one, or no plain name.
func maybeSecret(key string) bool {
	plain := func(c byte) bool { return alphanumeric(c) || strings.IndexByte("-_.:", c) >= 0 }
	return len(key) >= minSecret || !every(key, plain)
}

func (f *keysFile) key(path string, node *yaml.Node) {
	f.hashPaths = map[[sha256.Size]byte]string{}
	key := &apiKey{principal: &Principal{}}
	who := key.principal
	f.Object(path, node, map[string]yamlnode.Field{
		"id":       func(path string, node *yaml.Node) { who.Name = f.id(path, node) },
		"disabled": func(path string, node *yaml.Node) { key.disabled = f.Bool(path, node) },
		"secrets": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) { key.secrets = append(key.secrets, f.secret(path, node)) })
		},
		"grants": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) { who.Grants = append(who.Grants, f.grant(path, node)) })
		},
		"metadata": func(path string, node *yaml.Node) { who.Metadata = f.metadata(path, node) },
		"callerMetadata": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) {
				who.CallerMetadata = append(who.CallerMetadata, f.metadataKey(path, f.Text(path, node)))
			})
		},
		"share":                 func(path string, node *yaml.Node) { who.Share = f.share(path, node) },
		"rate":                  func(path string, node *yaml.Node) { who.Rate = f.rate(path, node) },
		"workflowTypes":         func(path string, node *yaml.Node) { who.WorkflowTypes = f.names(path, node) },
		"taskQueues":            func(path string, node *yaml.Node) { who.TaskQueues = f.names(path, node) },
		"nexusEndpoints":        func(path string, node *yaml.Node) { who.NexusEndpoints = f.names(path, node) },
		"completionCallbacks":   func(path string, node *yaml.Node) { who.CompletionCallbacks = f.Bool(path, node) },
		"overrideAuthorization": func(path string, node *yaml.Node) { who.OverridesAuthorization = f.override(path, node) },
		"credential":            func(path string, node *yaml.Node) { who.Credential = f.credential(path, node) },
	})
	if !yamlnode.IsMapping(node) {
		return
	}
	f.Require(path, node, "id", "secrets")
	if len(key.secrets) == 0 {
		f.Reportf(path+".secrets", "must have at least one")
	}
	for i := range key.secrets {
		s := &key.secrets[i]
		if s.principal = who; !s.notAfter.IsZero() {
			ends := *who
			ends.Expires, s.principal = s.notAfter, &ends
		}
	}
	f.keys.byID[who.Name] = key
}

func (f *keysFile) id(path string, node *yaml.Node) string {
	id := f.Text(path, node)
	switch first, taken := f.idPaths[id]; {
	case !validID(id):
		f.Reportf(path, "must be 1 to %d of a-z, 0-9 and -", maxIDLength)
	case id == anonymousName:
		f.Reportf(path, "is the name of callers without a key")
	case taken:
		f.Reportf(path, "is the same as %s", first)
	default:
		f.idPaths[id] = path
	}
	return id
}

func (f *keysFile) secret(path string, node *yaml.Node) secret {
	var s secret
	f.Object(path, node, map[string]yamlnode.Field{
		"sha256":   func(path string, node *yaml.Node) { s.hash = f.hash(path, node) },
		"notAfter": func(path string, node *yaml.Node) { s.notAfter = f.time(path, node) },
	})
	f.Require(path, node, "sha256")
	return s
}

func (f *keysFile) hash(path string, node *yaml.Node) (hash [sha256.Size]byte) {
	sum, err := hex.DecodeString(f.Text(path, node))
	if err != nil || len(sum) != len(hash) {
		f.Reportf(path, "must be the %d hex digits of a SHA-256", 2*len(hash))
		return hash
	}
	copy(hash[:], sum)
	if first, taken := f.hashPaths[hash]; taken {
		f.Reportf(path, "is the same as %s", first)
		return hash
	}
	f.hashPaths[hash] = path
	return hash
}

func (f *keysFile) time(path string, node *yaml.Node) time.Time {
	at, err := time.Parse(time.RFC3339, f.Text(path, node))
	if err != nil || at.IsZero() {
		f.Reportf(path, "must be a time as in 2027-01-01T00:00:00Z")
	}
	return at
}

func (f *keysFile) grant(path string, node *yaml.Node) Grant {
	var g Grant
	f.Object(path, node, map[string]yamlnode.Field{
		"namespace": func(path string, node *yaml.Node) { g.Namespace = f.namespace(path, node) },
		"role": func(path string, node *yaml.Node) {
			role, err := ParseRole(f.Text(path, node))
			if err != nil {
				f.Reportf(path, "%v", err)
			}
			g.Role = role
		},
	})
	f.Require(path, node, "namespace", "role")
	return g
}

func (f *keysFile) namespace(path string, node *yaml.Node) string {
	name := f.Text(path, node)
	odd := func(r rune) bool { return r == '*' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if name == "" || strings.ContainsFunc(strings.TrimSuffix(name, "*"), odd) {
		f.Reportf(path, "must be a namespace, or the start of one and a *")
	}
	return name
}

func (f *keysFile) metadata(path string, node *yaml.Node) map[string]string {
	all := map[string]string{}
	f.Entries(path, node, func(name, path string, node *yaml.Node) {
		all[f.metadataKey(path, name)] = f.metadataValue(path, name, f.Text(path, node))
	})
	return all
}

func (f *keysFile) metadataKey(path, key string) string {
	if err := config.CheckMetadataKey(key); err != nil {
		f.Reportf(path, "%s", err)
	}
	return key
}

func (f *keysFile) metadataValue(path, key, value string) string {
	decoded, err := config.DecodeMetadata(key, value)
	if err != nil {
		f.Reportf(path, "%s", err)
	}
	return decoded
}
