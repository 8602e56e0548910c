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

// serveArgument is the subcommand that runs this program as the upstream, the floor or a peer. Its arguments are a role
// and the address of the upstream.
const serveArgument = "serve"

// startProcess starts this program as another process, with the given role.
func startProcess(ctx context.Context, role, upstream, log string) (*process.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return process.Start(ctx, exec.Command(self, serveArgument, role, upstream), log) //nolint:gosec,noctx // this program; ctx limits only the start
}

// serve runs in the process that startProcess starts. It returns when its standard input is closed, which happens when
// the parent exits.
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
	done := make(chan error, 3)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		done <- err
	}()
	go func() { done <- serveHTTP(admin, peers.Admin()) }()
	servePublic, err := newServer(ctx, arguments[0], arguments[1])
	if err != nil {
		return err
	}
	go func() { done <- servePublic(public) }()
	serving := process.Serving{Message: process.ServingMessage, Public: public.Addr().String(), Admin: admin.Addr().String()}
	if err := json.NewEncoder(os.Stderr).Encode(serving); err != nil {
		return err
	}
	return <-done
}

// serveHTTP serves without timeouts, which is the default of net/http. Only the gateway has timeouts, and their cost
// counts as the gateway's.
func serveHTTP(listener net.Listener, handler http.Handler) error {
	return http.Serve(listener, handler) //nolint:gosec // see above
}

// newServer returns a function that serves the connections of a listener in the given role. The connections have the
// default settings of the libraries.
func newServer(ctx context.Context, role, address string) (serve func(net.Listener) error, err error) {
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
