package config

import "path/filepath"

// LoadOptions names the places that a configuration is read from, weakest first.
type LoadOptions struct {
	// File is the YAML file; empty for none.
	File string
	// Environ is the environment as os.Environ returns it. Only names that start with FLOWGATE_ are looked at.
	Environ []string
	// Overrides are the values of flags, as text, by path.
	Overrides map[string]string
}

// Load reads and validates the configuration. Its error is always a *[Problems] that lists everything that is wrong. What
// could be read comes with it, for who looks for more that is wrong; nobody may run on it. Relative paths of files,
// wherever they are written, start at the directory of the configuration file.
func Load(options LoadOptions) (*Config, error) {
	var problems Problems
	cfg := Default()
	if options.File != "" {
		readFile(options.File, &cfg, &problems)
	}
	readEnviron(options.Environ, &cfg, &problems)
	readFlags(options.Overrides, &cfg, &problems)
	for i := range cfg.Auth.JWT {
		cfg.Auth.JWT[i] = cfg.Auth.JWT[i].withDefaults()
	}
	if options.File != "" {
		cfg.resolveFiles(filepath.Dir(options.File))
	}
	problems.addNew(cfg.problems())
	return &cfg, problems.err()
}

// resolveFiles makes relative paths start at dir.
func (c *Config) resolveFiles(dir string) {
	files := []*string{
		&c.Upstream.TLS.CAFile, &c.Upstream.TLS.CertFile, &c.Upstream.TLS.KeyFile,
		&c.Upstream.Proxy.BasicAuthFile, &c.Upstream.Credential.File, &c.Upstream.Credential.Mint.KeyFile,
		&c.Auth.APIKeys.File, &c.Docs.Folder, &c.Listen.TLS.CertFile, &c.Listen.TLS.KeyFile, &c.Listen.TLS.ClientCAFile,
	}
	for i := range c.Auth.JWT {
		files = append(files, &c.Auth.JWT[i].PublicKeyFile, &c.Auth.JWT[i].CAFile)
	}
	for i := range c.Tokens.KeyFiles {
		files = append(files, &c.Tokens.KeyFiles[i])
	}
	for _, file := range files {
		resolve(dir, file)
	}
	for name, namespace := range c.Namespaces {
		for _, file := range []*string{
			&namespace.Credential.File,
			&namespace.Upstream.TLS.CAFile, &namespace.Upstream.TLS.CertFile, &namespace.Upstream.TLS.KeyFile,
		} {
			resolve(dir, file)
		}
		c.Namespaces[name] = namespace
	}
}

func resolve(dir string, file *string) {
	if *file != "" && !filepath.IsAbs(*file) {
		*file = filepath.Join(dir, *file)
	}
}
