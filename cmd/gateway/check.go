package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
)

// check prints the errors in a configuration and, if there are none, the error from building the gateway, which reads the
// files that the configuration names. It need not print the errors of all files. With --connect, it also checks the
// connections.
func check(args []string, std stdio) int {
	flags := flag.NewFlagSet("gateway check", flag.ContinueOnError)
	connect := flags.Bool("connect", false, "also connect to the Temporal servers and to the issuers of JWTs")
	cfg, _, code, ok := loadWithFlags(flags, args, std.stderr)
	if !ok {
		if cfg != nil { // also check the keys file, so that one run reports the errors of both
			if err := server.CheckKeys(cfg); err != nil {
				_, _ = fmt.Fprintln(std.stderr, err)
			}
		}
		return code
	}
	warnings, err := server.Check(cfg)
	if err != nil {
		_, _ = fmt.Fprintln(std.stderr, err)
		return exitUsage
	}
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(std.stderr, "warning:", warning)
	}
	_, _ = fmt.Fprintln(std.stdout, "configuration OK")
	if *connect {
		return checkConnections(cfg, std)
	}
	return exitOK
}

// checkConnections prints a line for each connection.
func checkConnections(cfg *config.Config, std stdio) int {
	checks, err := server.CheckConnections(context.Background(), cfg, server.Options{Version: version})
	if err != nil {
		return fail(std, err, exitUsage)
	}
	code := exitOK
	for _, check := range checks {
		switch {
		case check.Skipped != "":
			_, _ = fmt.Fprintf(std.stdout, "%s: skipped, %s\n", check.Target, check.Skipped)
		case check.Err != nil:
			_, _ = fmt.Fprintf(std.stdout, "%s: failed, %v\n", check.Target, check.Err)
			code = exitFailure
		default:
			_, _ = fmt.Fprintf(std.stdout, "%s: OK\n", check.Target)
		}
	}
	return code
}
