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
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintln(stderr, "gateway:", err)
	if _, invalid := errors.AsType[*server.ConfigurationError](err); invalid {
		return exitUsage
	}
	return exitFailure
}

// load reads the configuration that args select. If ok is false, load has printed
// the reason, code is the exit code, and cfg is nil or has the settings that could be
// read.
func load(command string, args []string, stderr io.Writer) (cfg *config.Config, code int, ok bool) {
	cfg, _, code, ok = loadWithFlags(flag.NewFlagSet("gateway "+command, flag.ContinueOnError), args, stderr)
	return cfg, code, ok
}

// loadWithFlags is [load] for a command that has defined additional flags. It also returns the source of each setting.
func loadWithFlags(flags *flag.FlagSet, args []string, stderr io.Writer) (cfg *config.Config, sources config.Sources, code int, ok bool) {
	overrides := settings{}
	flags.SetOutput(stderr)
	file := flags.String("config", "", "the configuration `FILE` (YAML)")
	flags.Var(overrides, "set", "a setting as `PATH=VALUE`; may be repeated")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, nil, exitOK, false
		}
		return nil, nil, exitUsage, false
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "gateway: unexpected argument %q\n", flags.Arg(0))
		return nil, nil, exitUsage, false
	}
	cfg, sources, err := config.LoadWithSources(config.LoadOptions{File: *file, Environ: os.Environ(), Overrides: overrides})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return cfg, sources, exitUsage, false
	}
	return cfg, sources, exitOK, true
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
