package config

import "path/filepath"

// LoadOptions are the sources of a configuration. The values of a later field override those of an earlier one.
type LoadOptions struct {
	// File is the path of the YAML file. Empty means no file.
	File string
	// Environ is the environment as os.Environ returns it. Only names that start with FLOWGATE_ are used.
	Environ []string
	// Overrides are the values of command-line flags as text, by path.
	Overrides map[string]string
}

// Load reads and validates the configuration. Its error is always a *[Problems] that lists every problem. Along
// with an error, Load also returns the settings that could be read, for further validation; the gateway must not run
// with them. Relative
// file paths from any source are relative to the directory of the configuration file.
func Load(options LoadOptions) (*Config, error) {
	cfg, _, err := LoadWithSources(options)
	return cfg, err
}

// LoadWithSources is like [Load]. It also returns the source of each setting.
func LoadWithSources(options LoadOptions) (*Config, Sources, error) {
	var problems Problems
	cfg, sources := Default(), Sources{}
	if options.File != "" {
		readFile(options.File, &cfg, sources, &problems)
	}
	readEnviron(options.Environ, &cfg, sources, &problems)
	readFlags(options.Overrides, &cfg, sources, &problems)
	for i := range cfg.Auth.JWT {
		cfg.Auth.JWT[i] = cfg.Auth.JWT[i].withDefaults()
	}
	if options.File != "" {
		cfg.ResolveFiles(filepath.Dir(options.File))
	}
	problems.addNew(cfg.problems())
	return &cfg, sources, problems.err()
}

// ResolveFiles makes relative file paths relative to dir.
func (c *Config) ResolveFiles(dir string) {
	files := []*string{
		&c.Upstream.TLS.CAFile, &c.Upstream.TLS.CertFile, &c.Upstream.TLS.KeyFile,
		&c.Upstream.Proxy.BasicAuthFile, &c.Upstream.Credential.File, &c.Upstream.Credential.Mint.KeyFile,
		&c.Auth.APIKeys.File, &c.Auth.File, &c.Docs.Folder, &c.Listen.TLS.CertFile, &c.Listen.TLS.KeyFile, &c.Listen.TLS.ClientCAFile,
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
