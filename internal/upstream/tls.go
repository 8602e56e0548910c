package upstream

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"
)

// reloadedTLS are transport credentials whose configuration may change: each handshake
// uses the current one. gRPC's own credentials keep the certificates with which they were
// created until the process ends.
type reloadedTLS struct {
	// TransportCredentials have the first configuration. Only their server name and
	// protocol are used.
	credentials.TransportCredentials

	config func() *tls.Config
}

func newReloadedTLS(config func() *tls.Config) reloadedTLS {
	return reloadedTLS{credentials.NewTLS(config()), config}
}

// ClientHandshake performs the handshake with the current configuration.
func (r reloadedTLS) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(r.config()).ClientHandshake(ctx, authority, conn)
}

// Clone returns r, which has no state of its own.
func (r reloadedTLS) Clone() credentials.TransportCredentials { return r }
