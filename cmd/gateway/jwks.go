package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowgate/flowgate/internal/auth/mint"
)

// jwks writes the keys that sign minted tokens, as the gateway publishes them,
// for a Temporal server that reads a file.
func jwks(args []string, std stdio) int {
	var out string
	flags := flag.NewFlagSet("gateway jwks", flag.ContinueOnError)
	flags.StringVar(&out, "out", "", "the `FILE` to write instead of standard output")
	cfg, code, ok := loadWith(flags, args, std.stderr)
	if !ok {
		return code
	}
	if cfg.Upstream.Credential.Mint.KeyFile == "" {
		return fail(std, errors.New("upstream.credential.mint.keyFile: is missing"), exitUsage)
	}
	signer, err := mint.Open(cfg.Upstream.Credential.Mint, mint.Options{})
	if err != nil {
		return fail(std, fmt.Errorf("upstream.credential.mint.keyFile: %w", err), exitUsage)
	}
	if out == "" {
		_, _ = fmt.Fprintln(std.stdout, string(signer.JWKS()))
		return exitOK
	}
	if err := writeAtomically(out, append(signer.JWKS(), '\n')); err != nil {
		return fail(std, err, exitFailure)
	}
	return exitOK
}

// writeAtomically writes a file in one step: a server that reads it while it is written
// would forget all keys.
func writeAtomically(name string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".jwks-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it is gone when all went well
	const everybody = 0o644
	_, err = file.Write(content)
	for _, step := range []func() error{func() error { return file.Chmod(everybody) }, file.Close} {
		if failed := step(); err == nil {
			err = failed
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
