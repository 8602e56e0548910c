package auth

import (
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// tokenFiles opens the token files that a keys file names.
type tokenFiles struct {
	// dir is where relative names start.
	dir     string
	options Options
	// inForce is the version of the keys that the one being read would
	// replace, nil at first.
	inForce *keySet
}

// open gives the credential of a token's file. One that is in force already is
// taken over as it is: a caller who came in under the old keys goes on to
// follow its token, and a token file that broke meanwhile keeps no operator
// from disabling a key.
func (t tokenFiles) open(file string) (*Credential, error) {
	if t.inForce != nil {
		if credential, ok := t.inForce.credentials[file]; ok {
			return credential, nil
		}
	}
	return OpenStatic(file, t.options.Log)
}

// credential reads what goes upstream in the name of a key's callers.
func (f *keysFile) credential(path string, node *yaml.Node) *Credential {
	var mode, file string
	named := false
	f.Object(path, node, map[string]yamlnode.Field{
		"mode": func(path string, node *yaml.Node) { mode = f.mode(path, node) },
		"file": func(path string, node *yaml.Node) {
			named = true
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
	case mode == modeStatic:
		f.Require(path, node, "file")
		return f.static(path, file)
	case named && (mode == modeNone || mode == modeMint):
		f.Reportf(path+".file", "needs mode static")
	case mode == modeNone:
		return NoCredential()
	case mode == modeMint && f.tokens.options.Mint == nil:
		f.Reportf(path+".mode", "needs upstream.credential.mint.keyFile in the configuration")
	case mode == modeMint:
		return f.tokens.options.Mint
	}
	return nil
}

func (f *keysFile) mode(path string, node *yaml.Node) string {
	mode := f.Text(path, node)
	if mode != modeNone && mode != modeStatic && mode != modeMint {
		f.Reportf(path, "must be one of none, static, mint")
	}
	return mode
}

// static opens a token's file. Keys with the same file share one credential,
// so that it is looked at, and complained of, once.
func (f *keysFile) static(path, file string) *Credential {
	if reason := f.tokens.options.Refusal; reason != "" {
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
