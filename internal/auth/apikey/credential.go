package apikey

import (
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// tokenFiles opens the token files that a keys file names.
type tokenFiles struct {
	// dir is the directory that relative file names start from.
	dir     string
	options Options
	// inForce is the key set that will be replaced. It is nil when the gateway
	// starts.
	inForce *keySet
}

// open returns the credential of a token file. It reuses a credential that is
// already in force. So requests that were authenticated before a reload continue to
// use the current token, and an invalid token file does not prevent the operator from
// disabling a key.
func (t tokenFiles) open(file string) (*auth.Credential, error) {
	if t.inForce != nil {
		if credential, ok := t.inForce.credentials[file]; ok {
			return credential, nil
		}
	}
	return auth.OpenStatic(file, t.options.Log)
}

// credential reads the upstream credential of an entry.
func (f *fileReader) credential(path string, node *yaml.Node) *auth.Credential {
	var mode, file string
	hasFile := false
	f.Object(path, node, map[string]yamlnode.Field{
		"mode": func(path string, node *yaml.Node) { mode = f.mode(path, node) },
		"file": func(path string, node *yaml.Node) {
			hasFile = true
			if file = f.Text(path, node); file == "" {
				f.Reportf(path, "must name a file")
			}
		},
	})
	if !yamlnode.IsMapping(node) {
		return nil
	}
	f.Require(path, node, "mode")
	switch {
	case mode == config.CredentialStatic:
		f.Require(path, node, "file")
		return f.openStatic(path, file)
	case hasFile && (mode == config.CredentialNone || mode == config.CredentialMint):
		f.Reportf(path+".file", "needs mode static")
	case mode == config.CredentialNone:
		return auth.NoCredential()
	case mode == config.CredentialMint && f.tokens.options.Mint == nil:
		f.Reportf(path+".mode", "needs upstream.credential.mint.keyFile in the configuration")
	case mode == config.CredentialMint:
		return f.tokens.options.Mint
	}
	return nil
}

func (f *fileReader) mode(path string, node *yaml.Node) string {
	mode := f.Text(path, node)
	if mode != config.CredentialNone && mode != config.CredentialStatic && mode != config.CredentialMint {
		f.Reportf(path, "must be one of none, static, mint")
	}
	return mode
}

// openStatic opens a token file. Entries with the same file share one credential, so that
// the file is polled once and each error is logged once.
func (f *fileReader) openStatic(path, file string) *auth.Credential {
	if reason := f.tokens.options.CredentialProblem; reason != "" {
		f.Reportf(path, "%s", reason)
	}
	if file == "" {
		return nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(f.tokens.dir, file)
	}
	if credential, ok := f.keys.credentials[file]; ok {
		return credential
	}
	credential, err := f.tokens.open(file)
	if err != nil {
		f.Reportf(path+".file", "%v", err)
		return nil
	}
	f.keys.credentials[file] = credential
	return credential
}
