package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/flowgate/flowgate/internal/config"
)

const usageOfConfig = "usage: gateway config print --config FILE [--set PATH=VALUE ...] [--metadata]"

// configCommand runs the subcommands for the configuration.
func configCommand(args []string, std stdio) int {
	if len(args) == 0 || args[0] != "print" {
		_, _ = fmt.Fprintln(std.stderr, usageOfConfig)
		return exitUsage
	}
	flags := flag.NewFlagSet("gateway config print", flag.ContinueOnError)
	var options config.PrintOptions
	flags.BoolVar(&options.Metadata, "metadata", false, "print the values of metadata, which may be secrets")
	cfg, sources, code, ok := loadWithFlags(flags, args[1:], std.stderr)
	if !ok {
		return code
	}
	dir, err := os.Getwd()
	if err != nil {
		return fail(std, err, exitFailure)
	}
	cfg.ResolveFiles(dir) // so that the output means the same in every directory
	options.Sources = sources
	if err := cfg.Print(std.stdout, options); err != nil {
		return fail(std, err, exitFailure)
	}
	return exitOK
}
