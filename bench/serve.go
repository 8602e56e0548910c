package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/flowgate/flowgate/bench/measure"
	"github.com/flowgate/flowgate/bench/peers"
	"github.com/flowgate/flowgate/bench/process"
	"github.com/flowgate/flowgate/bench/upstream"
)

// serveArgument is the subcommand that makes this program one of the measured processes. A role and the upstream's
// address follow it.
const serveArgument = "serve"

// startPeer starts this program in a role.
func startPeer(ctx context.Context, role, upstream, log string) (*process.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return process.Start(ctx, exec.Command(self, serveArgument, role, upstream), log) //nolint:gosec,noctx // this program; ctx limits only the start
}

// serve runs in the process of startPeer. It ends when its standard input is closed, which happens when the parent
// ends.
func serve(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("usage: %s ROLE UPSTREAM", serveArgument)
	}
	listen := func() (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	public, err := listen()
	if err != nil {
		return err
	}
	admin, err := listen()
	if err != nil {
		return err
	}
	ended := make(chan error, 3)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	go func() { ended <- serveHTTP(admin, peers.Admin()) }()
	run, err := newPeer(ctx, arguments[0], arguments[1])
	if err != nil {
		return err
	}
	go func() { ended <- run(public) }()
	serving := process.Serving{Message: process.ServingMessage, Public: public.Addr().String(), Admin: admin.Addr().String()}
	if err := json.NewEncoder(os.Stderr).Encode(serving); err != nil {
		return err
	}
	return <-ended
}

// serveHTTP serves without timeouts, the default of net/http. The gateway's timeouts are part of its cost.
func serveHTTP(listener net.Listener, handler http.Handler) error {
	return http.Serve(listener, handler) //nolint:gosec // see above
}

// newPeer returns the server of a role. Its connections have the defaults of the libraries.
func newPeer(ctx context.Context, role, address string) (run func(net.Listener) error, err error) {
	if role == measure.RoleUpstream {
		server, err := upstream.New()
		if err != nil {
			return nil, err
		}
		return server.Serve, nil
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	var handler http.Handler
	switch role {
	case measure.RoleFloor:
		handler, err = peers.Floor(conn)
	case measure.RolePlain:
		handler, err = peers.Plain(ctx, conn)
	case measure.RolePlainTemporal:
		handler, err = peers.PlainTemporal(ctx, conn)
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	return func(listener net.Listener) error { return serveHTTP(listener, handler) }, err
}
