package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// fileReader builds a [keySet] from the YAML document of a keys file.
type fileReader struct {
	yamlnode.Reader

	keys *keySet
	// tokens opens the token files of the entries' credentials.
	tokens tokenFiles
	// idPaths has the path at which each id first occurs in the file. hashPaths
	// has the path at which each hash first occurs in the current entry: two keys
	// may have the same secret, since the caller sends the id of the key.
	idPaths   map[string]string
	hashPaths map[[sha256.Size]byte]string
}

// parser returns the parser for a keys file in the directory dir.
func parser(dir string, options Options) reload.Parser[keySet] {
	return func(content []byte, inForce *keySet) (*keySet, error) {
		return parse(content, tokenFiles{dir: dir, options: options, inForce: inForce})
	}
}

// parse reads a keys file. The error lists every problem.
func parse(content []byte, tokens tokenFiles) (*keySet, error) {
	f := &fileReader{
		keys: &keySet{
			byID:        map[string]*entry{},
			dummy:       &entry{disabled: true, secrets: []secret{{}}},
			credentials: map[string]*auth.Credential{},
		},
		tokens:  tokens,
		idPaths: map[string]string{},
	}
	f.Secret = maybeSecret
	if root := f.Document(content); root != nil {
		f.Object("", root, map[string]yamlnode.Field{"keys": func(path string, node *yaml.Node) { f.List(path, node, f.entry) }})
		f.Require("", root, "keys")
	} else if f.Err() == nil {
		f.Reportf("", "is empty") // another process may still be writing it
	}
	return f.keys, f.Err()
}

// maybeSecret reports whether a mapping key may be a misplaced secret, which errors
// must not quote. Such a key is as long as a secret, or has characters that no field
// name has.
func maybeSecret(key string) bool {
	inName := func(c byte) bool { return alphanumeric(c) || strings.IndexByte("-_.:", c) >= 0 }
	return len(key) >= minSecretLen || !allBytes(key, inName)
}

func (f *fileReader) entry(path string, node *yaml.Node) {
	f.hashPaths = map[[sha256.Size]byte]string{}
	e := &entry{principal: &auth.Principal{}}
	p := e.principal
	f.Object(path, node, map[string]yamlnode.Field{
		"id":       func(path string, node *yaml.Node) { p.Name = f.id(path, node) },
		"disabled": func(path string, node *yaml.Node) { e.disabled = f.Bool(path, node) },
		"secrets": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) { e.secrets = append(e.secrets, f.secret(path, node)) })
		},
		"grants": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) { p.Grants = append(p.Grants, f.grant(path, node)) })
		},
		"metadata": func(path string, node *yaml.Node) { p.Metadata = f.metadata(path, node) },
		"callerMetadata": func(path string, node *yaml.Node) {
			f.List(path, node, func(path string, node *yaml.Node) {
				p.CallerMetadata = append(p.CallerMetadata, f.metadataKey(path, f.Text(path, node)))
			})
		},
		"share":                 func(path string, node *yaml.Node) { p.Share = f.share(path, node) },
		"rate":                  func(path string, node *yaml.Node) { p.Rate = f.rate(path, node) },
		"workflowTypes":         func(path string, node *yaml.Node) { p.WorkflowTypes = f.names(path, node) },
		"taskQueues":            func(path string, node *yaml.Node) { p.TaskQueues = f.names(path, node) },
		"nexusEndpoints":        func(path string, node *yaml.Node) { p.NexusEndpoints = f.names(path, node) },
		"completionCallbacks":   func(path string, node *yaml.Node) { p.CompletionCallbacks = f.Bool(path, node) },
		"overrideAuthorization": func(path string, node *yaml.Node) { p.OverridesAuthorization = f.override(path, node) },
		"credential":            func(path string, node *yaml.Node) { p.Credential = f.credential(path, node) },
	})
	if !yamlnode.IsMapping(node) {
		return
	}
	f.Require(path, node, "id", "secrets")
	if len(e.secrets) == 0 {
		f.Reportf(path+".secrets", "must have at least one")
	}
	for i := range e.secrets {
		s := &e.secrets[i]
		if s.principal = p; !s.notAfter.IsZero() {
			expiring := *p
			expiring.Expires, s.principal = s.notAfter, &expiring
		}
	}
	f.keys.byID[p.Name] = e
}

func (f *fileReader) id(path string, node *yaml.Node) string {
	id := f.Text(path, node)
	switch firstPath, taken := f.idPaths[id]; {
	case !validID(id):
		f.Reportf(path, "must be 1 to %d of a-z, 0-9 and -", maxIDLength)
	case id == auth.AnonymousName:
		f.Reportf(path, "is the name of callers without a key")
	case taken:
		f.Reportf(path, "is the same as %s", firstPath)
	default:
		f.idPaths[id] = path
	}
	return id
}

func (f *fileReader) secret(path string, node *yaml.Node) secret {
	var s secret
	f.Object(path, node, map[string]yamlnode.Field{
		"sha256":   func(path string, node *yaml.Node) { s.hash = f.hash(path, node) },
		"notAfter": func(path string, node *yaml.Node) { s.notAfter = f.time(path, node) },
	})
	f.Require(path, node, "sha256")
	return s
}

func (f *fileReader) hash(path string, node *yaml.Node) (hash [sha256.Size]byte) {
	sum, err := hex.DecodeString(f.Text(path, node))
	if err != nil || len(sum) != len(hash) {
		f.Reportf(path, "must be the %d hex digits of a SHA-256", 2*len(hash))
		return hash
	}
	copy(hash[:], sum)
	if firstPath, taken := f.hashPaths[hash]; taken {
		f.Reportf(path, "is the same as %s", firstPath)
		return hash
	}
	f.hashPaths[hash] = path
	return hash
}

func (f *fileReader) time(path string, node *yaml.Node) time.Time {
	at, err := time.Parse(time.RFC3339, f.Text(path, node))
	if err != nil || at.IsZero() {
		f.Reportf(path, "must be a time as in 2027-01-01T00:00:00Z")
	}
	return at
}

func (f *fileReader) grant(path string, node *yaml.Node) auth.Grant {
	var g auth.Grant
	permits := 0 // the number of fields that say what the grant permits
	f.Object(path, node, map[string]yamlnode.Field{
		"namespace": func(path string, node *yaml.Node) { g.Namespace = f.namespace(path, node) },
		"role": func(path string, node *yaml.Node) {
			role, err := auth.ParseRole(f.Text(path, node))
			if err != nil {
				f.Reportf(path, "%v", err)
			}
			g.Role = role
			permits++
		},
		"operations": func(path string, node *yaml.Node) {
			g.Operations = f.operations(path, node)
			permits++
		},
	})
	f.Require(path, node, "namespace")
	if yamlnode.IsMapping(node) && permits != 1 {
		f.Reportf(path, "must have either role or operations")
	}
	return g
}

func (f *fileReader) operations(path string, node *yaml.Node) (operations auth.Operations) {
	f.List(path, node, func(path string, node *yaml.Node) {
		operation, err := auth.ParseOperation(f.Text(path, node))
		if err != nil {
			f.Reportf(path, "%v", err)
		}
		operations |= operation
	})
	if operations == 0 {
		f.Reportf(path, "must have at least one")
	}
	return operations
}

func (f *fileReader) namespace(path string, node *yaml.Node) string {
	name := f.Text(path, node)
	invalid := func(r rune) bool { return r == '*' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if name == "" || strings.ContainsFunc(strings.TrimSuffix(name, "*"), invalid) {
		f.Reportf(path, "must be a namespace, or the start of one and a *")
	}
	return name
}

func (f *fileReader) metadata(path string, node *yaml.Node) map[string]string {
	all := map[string]string{}
	f.Entries(path, node, func(name, path string, node *yaml.Node) {
		all[f.metadataKey(path, name)] = f.metadataValue(path, name, f.Text(path, node))
	})
	return all
}

func (f *fileReader) metadataKey(path, key string) string {
	if err := config.CheckMetadataKey(key); err != nil {
		f.Reportf(path, "%s", err)
	}
	return key
}

func (f *fileReader) metadataValue(path, key, value string) string {
	decoded, err := config.DecodeMetadata(key, value)
	if err != nil {
		f.Reportf(path, "%s", err)
	}
	return decoded
}
