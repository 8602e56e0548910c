package config

import (
	"errors"
	"path/filepath"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Callers is the content of the file auth.file. The lists have the form of those in [Auth].
type Callers struct {
	JWT          []Issuer      `yaml:"jwt"`
	Certificates []Certificate `yaml:"certificates"`
}

// Callers returns the issuers and the client certificates that the configuration itself contains. They are empty if
// auth.file is set.
func (c *Config) Callers() Callers {
	return Callers{JWT: c.Auth.JWT, Certificates: c.Auth.Certificates}
}

// ParseCallers parses and validates the content of the file auth.file, by the same rules as the lists in the
// configuration. Relative paths in it are relative to the directory of that file. The error is a [yamlnode.Problems]
// that lists every problem, with paths in the file.
func (c *Config) ParseCallers(content []byte) (*Callers, error) {
	var callers Callers
	var reader yamlnode.Reader
	root := reader.Document(content)
	switch {
	case root != nil && !yamlnode.IsNull(root):
		reader.Decode("", root, &callers)
	case reader.Err() == nil:
		reader.Reportf("", "is empty") // another process may still be writing it
	}
	dir := filepath.Dir(c.Auth.File)
	for i := range callers.JWT {
		callers.JWT[i] = callers.JWT[i].withDefaults()
		resolve(dir, &callers.JWT[i].PublicKeyFile)
		resolve(dir, &callers.JWT[i].CAFile)
	}
	v := validator{Problems{List: reader.Problems()}}
	v.addNew(c.callerProblems("", callers))
	if len(v.List) > 0 {
		return nil, yamlnode.Problems(v.List)
	}
	return &callers, nil
}

// callerProblems returns the problems of the issuers and the client certificates. The lists are at path.
func (c *Config) callerProblems(path string, callers Callers) []Problem {
	var v validator
	issuers := yamlnode.FieldPath(path, "jwt")
	v.issuers(issuers, callers.JWT)
	v.certificates(yamlnode.FieldPath(path, "certificates"), callers.Certificates, c.Listen.TLS)
	v.issuerCredentials(issuers, callers.JWT, c.PlaintextCredentialProblem())
	return v.List
}

// callersFile reports the problems in the file auth.file.
func (v *validator) callersFile(c *Config) {
	content, ok := v.file("auth.file", c.Auth.File)
	if !ok {
		return
	}
	_, err := c.ParseCallers(content)
	problems, _ := errors.AsType[yamlnode.Problems](err)
	for _, problem := range problems {
		v.add("auth.file", c.Auth.File+": "+problem.String())
	}
}
