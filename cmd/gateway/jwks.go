package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowgate/flowgate/internal/auth/mint"
)

// jwks writes the public keys that verify minted tokens, for a Temporal server that
// reads them from a file.
func jwks(args []string, std stdio) int {
	var out string
	flags := flag.NewFlagSet("gateway jwks", flag.ContinueOnError)
	flags.StringVar(&out, "out", "", "the `FILE` to write to instead of standard output")
	cfg, _, code, ok := loadWithFlags(flags, args, std.stderr)
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

// writeAtomically replaces the named file in one step: a server that reads a
// half-written file would drop all keys.
func writeAtomically(name string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".jwks-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // after a successful rename there is nothing to remove
	const worldReadable = 0o644
	_, err = file.Write(content)
	for _, step := range []func() error{func() error { return file.Chmod(worldReadable) }, file.Close} {
		if stepErr := step(); err == nil {
			err = stepErr
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
