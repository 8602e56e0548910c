package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream"
)

func (g *gateway) newUpstream(options Options) (*upstream.Client, error) {
	cfg := g.cfg.Upstream
	credential, err := g.credential(cfg.Credential.Mode, cfg.Credential.File)
	if err != nil {
		return nil, fmt.Errorf("upstream.credential: %w", err)
	}
	server, err := g.serverOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("upstream.tls: %w", err)
	}
	proxy := upstream.Proxy{Address: cfg.Proxy.Address}
	if cfg.Proxy.BasicAuthFile != "" {
		text, err := os.ReadFile(cfg.Proxy.BasicAuthFile)
		if err != nil {
			return nil, fmt.Errorf("upstream.proxy.basicAuthFile: %w", err)
		}
		proxy.BasicAuth = strings.TrimSpace(string(text))
	}
	metadata, err := decodeMetadata(cfg.Metadata)
	if err != nil {
		return nil, err
	}
	namespaces, err := g.namespaces()
	if err != nil {
		return nil, err
	}
	client, err := upstream.New(upstream.Options{
		Server: *server, Proxy: proxy, Dial: options.Dial,
		KeepAlive: upstream.KeepAlive(cfg.KeepAlive), Credential: credential,
		Metadata: metadata, Namespaces: namespaces,
		Timeouts: upstream.Timeouts{Default: g.cfg.Limits.Timeouts.Default, Max: g.cfg.Limits.Timeouts.Max},
		Retry:    upstream.RetryPolicy(cfg.Retry), Breaker: upstream.Breaker(cfg.Breaker),
		MaxResponseBytes: cfg.MaxResponseBytes, Version: options.Version,
		Log: g.log, Metrics: g.metrics, Tracing: g.tracing,
	})
	if err != nil {
		return nil, err
	}
	g.watchers = append(g.watchers, client.WatchHealth)
	return client, nil
}

// namespaces returns the upstream settings of the configured namespaces.
func (g *gateway) namespaces() (map[string]upstream.Namespace, error) {
	namespaces := map[string]upstream.Namespace{}
	for name, cfg := range g.cfg.Namespaces {
		path := "namespaces." + name
		n := upstream.Namespace{Name: cfg.Upstream.Name}
		var err error
		if n.Metadata, err = decodeMetadata(cfg.Metadata); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if cfg.Credential.Mode != "" {
			if n.Credential, err = g.credential(cfg.Credential.Mode, cfg.Credential.File); err != nil {
				return nil, fmt.Errorf("%s.credential: %w", path, err)
			}
		}
		if cfg.Upstream.Address != "" {
			if n.Server, err = g.serverOf(g.cfg.Upstream.ForNamespace(cfg)); err != nil {
				return nil, fmt.Errorf("%s.upstream.tls: %w", path, err)
			}
		}
		namespaces[name] = n
	}
	return namespaces, nil
}

// credential returns the upstream credential of the given mode. If it is read from a file, a watcher reloads the file.
func (g *gateway) credential(mode, file string) (*auth.Credential, error) {
	switch mode {
	case config.CredentialStatic:
		credential, err := auth.OpenStatic(file, g.log)
		if err != nil {
			return nil, err
		}
		g.watchers = append(g.watchers, func(ctx context.Context) { credential.Watch(ctx, credentialInterval) })
		g.observeCredential(credential)
		return credential, nil
	case config.CredentialPassthrough:
		return auth.Passthrough(), nil
	case config.CredentialMint:
		return g.identity.minted, nil
	default:
		return auth.NoCredential(), nil
	}
}

// credentialInterval is the time between two checks whether a credential file has changed.
const credentialInterval = time.Second

func (g *gateway) serverOf(cfg config.Upstream) (*upstream.Server, error) {
	tlsConfig, err := g.clientTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	return &upstream.Server{Address: cfg.Address, TLS: tlsConfig}, nil
}

// clientTLS returns a function that returns the TLS configuration of a new connection to an upstream, or nil for
// plaintext. The certificate, its key and the CA certificates are reloaded when their files change. An existing
// connection keeps the certificate of its handshake until it ends: the server, which verified that certificate, limits
// the age of connections.
func (g *gateway) clientTLS(cfg config.TLS) (func() *tls.Config, error) {
	if !cfg.Enabled {
		return nil, nil //nolint:nilnil // nil means plaintext
	}
	authorities, err := g.openAuthorities(fileUpstreamCA, "caFile", cfg.CAFile)
	if err != nil {
		return nil, err
	}
	var pair func() *tls.Certificate
	if cfg.CertFile != "" {
		if pair, err = g.openKeyPair(certificateUpstream, cfg.CertFile, cfg.KeyFile); err != nil {
			return nil, err
		}
	}
	return func() *tls.Config {
		result := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cfg.ServerName, RootCAs: authorities()}
		if pair != nil {
			result.Certificates = []tls.Certificate{*pair()}
		}
		return result
	}, nil
}

// decodeMetadata decodes the base64 values of the keys with the suffix "-bin" in configured metadata.
func decodeMetadata(metadata config.Metadata) (map[string]string, error) {
	decoded := make(map[string]string, len(metadata))
	for key, value := range metadata {
		value, err := config.DecodeMetadata(key, value)
		if err != nil {
			return nil, fmt.Errorf("metadata %s: %w", key, err)
		}
		decoded[key] = value
	}
	return decoded, nil
}
