package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// configureTLS enables TLS on the public listener, if a certificate is configured. A change of the certificate file
// reloads the certificate and its private key, and a change of the client CA file the CA certificates of clients. New
// connections then use the new ones.
func (g *gateway) configureTLS() error {
	cfg := g.cfg.Listen.TLS
	if cfg.CertFile == "" {
		return nil
	}
	options := reload.Options{Log: g.log}
	pair, err := reload.Open(cfg.CertFile, func(certificate []byte, _ *tls.Certificate) (*tls.Certificate, error) {
		key, err := os.ReadFile(cfg.KeyFile)
		if err != nil {
			return nil, errors.New(cfg.KeyFile + " cannot be read")
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, errors.New("the certificate and the key in " + cfg.KeyFile + " do not belong together")
		}
		return &pair, nil
	}, options)
	if err != nil {
		return fmt.Errorf("certFile: %w", yamlnode.InFile(cfg.CertFile, err))
	}
	polls := []func(context.Context){pair.Poll}
	clientCAs := func() *x509.CertPool { return nil }
	if cfg.ClientCAFile != "" {
		authorities, err := reload.Open(cfg.ClientCAFile, parseAuthorities, options)
		if err != nil {
			return fmt.Errorf("clientCAFile: %w", yamlnode.InFile(cfg.ClientCAFile, err))
		}
		polls, clientCAs = append(polls, authorities.Poll), authorities.Load
	}
	g.watchers = append(g.watchers, func(ctx context.Context) {
		reload.PollInterval(ctx, credentialInterval, func(ctx context.Context) {
			for _, poll := range polls {
				poll(ctx)
			}
		})
	})
	g.public.Protocols.SetHTTP2(true)
	g.public.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return listenerTLS(pair.Load(), clientCAs()), nil
		},
	}
	return nil
}

// listenerTLS returns the TLS configuration of one connection. A client certificate is optional, because the caller may
// send another credential.
func listenerTLS(certificate *tls.Certificate, clientCAs *x509.CertPool) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"h2", "http/1.1"},
	}
	if clientCAs != nil {
		cfg.ClientAuth, cfg.ClientCAs = tls.VerifyClientCertIfGiven, clientCAs
	}
	return cfg
}

func parseAuthorities(pem []byte, _ *x509.CertPool) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("contains no PEM certificate")
	}
	return pool, nil
}
