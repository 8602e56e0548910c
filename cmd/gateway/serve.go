package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/resolver/dns"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// resolveInterval is the minimum time between two DNS lookups of the upstream.
// gRPC's default of 30 s would delay the connection to a server whose address has
// changed.
const resolveInterval = 5 * time.Second

// serve runs the gateway until a signal stops it.
func serve(args []string, stderr io.Writer) int {
	cfg, code, ok := load("serve", args, stderr)
	if !ok {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	dns.SetMinResolutionInterval(resolveInterval)
	log := telemetry.NewLogBuffer(stderr)
	limitMemory(telemetry.NewLogger(log, cfg.Log.Level, cfg.Log.Format))
	err := server.Run(ctx, cfg, server.Options{Version: version, Log: log, Getenv: os.Getenv})
	_ = log.Close()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "gateway:", err)
		return exitFailure
	}
	return exitOK
}

// check prints the errors in a configuration and, if there are none, the error from building the gateway, which reads the
// files that the configuration names. It need not print the errors of all files.
func check(args []string, stdout, stderr io.Writer) int {
	cfg, code, ok := load("check", args, stderr)
	if !ok {
		if cfg != nil { // also check the keys file, so that one run reports the errors of both
			if err := server.CheckKeys(cfg); err != nil {
				_, _ = fmt.Fprintln(stderr, err)
			}
		}
		return code
	}
	if err := server.Check(cfg); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitUsage
	}
	_, _ = fmt.Fprintln(stdout, "configuration OK")
	return exitOK
}

// load reads the configuration that args select. If ok is false, load has printed
// the reason, code is the exit code, and cfg is nil or has the settings that could be
// read.
func load(command string, args []string, stderr io.Writer) (cfg *config.Config, code int, ok bool) {
	return loadWithFlags(flag.NewFlagSet("gateway "+command, flag.ContinueOnError), args, stderr)
}

// loadWithFlags is [load] for a command that has defined additional flags.
func loadWithFlags(flags *flag.FlagSet, args []string, stderr io.Writer) (cfg *config.Config, code int, ok bool) {
	overrides := settings{}
	flags.SetOutput(stderr)
	file := flags.String("config", "", "the configuration `FILE` (YAML)")
	flags.Var(overrides, "set", "a setting as `PATH=VALUE`; may be repeated")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, exitOK, false
		}
		return nil, exitUsage, false
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "gateway: unexpected argument %q\n", flags.Arg(0))
		return nil, exitUsage, false
	}
	cfg, err := config.Load(config.LoadOptions{File: *file, Environ: os.Environ(), Overrides: overrides})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return cfg, exitUsage, false
	}
	return cfg, exitOK, true
}

// settings is a repeatable flag of the form PATH=VALUE.
type settings map[string]string

func (s settings) String() string { return "" }

// Set adds one setting.
func (s settings) Set(text string) error {
	path, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("must be PATH=VALUE")
	}
	s[path] = value
	return nil
}
