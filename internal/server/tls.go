package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

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
	pair, err := g.openKeyPair(certificateListener, cfg.CertFile, cfg.KeyFile)
	if err != nil {
		return err
	}
	clientCAs, err := g.openAuthorities(fileListenerClientCA, "clientCAFile", cfg.ClientCAFile)
	if err != nil {
		return err
	}
	g.public.Protocols.SetHTTP2(true)
	g.public.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return listenerTLS(pair(), clientCAs()), nil
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

// openKeyPair reads a certificate with its private key, and registers a watcher that reloads both when the certificate
// file changes. It returns a function that returns the newest valid pair. The metrics have the pair under the name.
func (g *gateway) openKeyPair(name, certFile, keyFile string) (func() *tls.Certificate, error) {
	pair, err := reload.Open(certFile, func(certificate []byte, _ *tls.Certificate) (*tls.Certificate, error) {
		key, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, errors.New(keyFile + " cannot be read")
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, errors.New("the certificate and the key in " + keyFile + " do not belong together")
		}
		return &pair, nil
	}, reload.Options{Log: g.log})
	if err != nil {
		return nil, fmt.Errorf("certFile: %w", yamlnode.InFile(certFile, err))
	}
	g.watchFile(pair.Poll)
	g.metrics.ObserveFile(name+"_certificate", pair.InForce)
	g.metrics.ObserveCertificate(name, func() time.Time { return pair.Load().Leaf.NotAfter })
	return pair.Load, nil
}

// openAuthorities reads the CA certificates in a file, and registers a watcher that reloads them. It returns a function
// that returns the newest valid ones, or nil if there is no file.
func (g *gateway) openAuthorities(kind, setting, file string) (func() *x509.CertPool, error) {
	if file == "" {
		return func() *x509.CertPool { return nil }, nil
	}
	authorities, err := reload.Open(file, parseAuthorities, reload.Options{Log: g.log})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, yamlnode.InFile(file, err))
	}
	g.watchFile(authorities.Poll)
	g.metrics.ObserveFile(kind, authorities.InForce)
	return authorities.Load, nil
}

// watchFile registers a watcher that polls a file.
func (g *gateway) watchFile(poll func(context.Context)) {
	g.watchers = append(g.watchers, func(ctx context.Context) { reload.PollInterval(ctx, credentialInterval, poll) })
}

func parseAuthorities(pem []byte, _ *x509.CertPool) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("contains no PEM certificate")
	}
	return pool, nil
}
