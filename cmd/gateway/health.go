package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is the maximum duration of a health check. It is below the timeouts of container runtimes, so that the
// reason of a failure is printed.
const healthTimeout = 3 * time.Second

// health requests a probe of a gateway on this machine and exits with 0 if its status is 200, otherwise with 1. Container
// runtimes reserve other exit codes.
//
// Of the configuration, it uses only the address of the admin listener: a running gateway is not less healthy because a
// file has an error that it has not loaded.
func health(args []string, std stdio) int {
	flags := flag.NewFlagSet("gateway health", flag.ContinueOnError)
	live := flags.Bool("live", false, "request /livez instead of /readyz")
	var problems strings.Builder
	cfg, _, code, _ := loadWithFlags(flags, args, &problems)
	if cfg == nil { // the arguments are invalid, or -h
		_, _ = fmt.Fprint(std.stderr, problems.String())
		return min(code, exitFailure)
	}
	path := "/readyz"
	if *live {
		path = "/livez"
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	if err := probe(ctx, cfg.Listen.Admin, path); err != nil {
		return fail(std, err, exitFailure)
	}
	return exitOK
}

// probe requests a path from the listener at address. It returns an error unless the status of the response is 200. An
// address without a host, or with one that means all interfaces, is that of this machine.
func probe(ctx context.Context, address, path string) error {
	// The address is dialled as it is, because net/http cannot request an address without a host. The transport has no
	// proxy, which the environment may have for other addresses.
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s of the admin listener: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		const maxReason = 4 << 10 // container runtimes store the output of a health check
		reason, _ := io.ReadAll(io.LimitReader(response.Body, maxReason))
		return fmt.Errorf("%s of the admin listener: %s: %s", path, response.Status, strings.TrimSpace(string(reason)))
	}
	return nil
}
