package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

// keys runs the subcommands for API keys and their file.
func keys(args []string, std stdio) int {
	if len(args) > 0 {
		switch command, rest := args[0], args[1:]; command {
		case "new":
			return newKey(rest, std)
		case "hash":
			return hashKey(rest, std)
		case "check":
			return checkKeys(rest, std)
		}
	}
	_, _ = fmt.Fprintln(std.stderr, usageOfNewKey+" | gateway keys hash | gateway keys check --file FILE")
	return exitUsage
}

// hashKey reads an existing key from standard input and prints its hash for the
// keys file. A key on the command line would appear in the shell's history and
// in the process list.
func hashKey(args []string, std stdio) int {
	if len(args) > 0 {
		_, _ = fmt.Fprintln(std.stderr, "usage: gateway keys hash < FILE-WITH-THE-KEY")
		return exitUsage
	}
	line, err := bufio.NewReader(std.stdin).ReadString('\n')
	if err != nil && err != io.EOF { //nolint:errorlint // io.EOF is never wrapped by its reader
		return fail(std, err, exitFailure)
	}
	id, secret, err := apikey.Hash(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return fail(std, err, exitUsage)
	}
	_, _ = fmt.Fprintf(std.stdout, "# For the secrets of the key with id %s.\n%s\n", id, secret)
	return exitOK
}

// checkKeys prints every problem of a keys file, or the grants of its keys.
func checkKeys(args []string, std stdio) int {
	flags := flag.NewFlagSet("gateway keys check", flag.ContinueOnError)
	flags.SetOutput(std.stderr)
	file := flags.String("file", "", "the keys `FILE` (YAML)")
	if flags.Parse(args) != nil || *file == "" || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(std.stderr, "usage: gateway keys check --file FILE")
		return exitUsage
	}
	opened, err := apikey.Open(*file, apikey.Options{Mint: auth.NoCredential()}) // only "gateway check" validates the signing key
	if err != nil {
		return fail(std, err, exitUsage)
	}
	for _, line := range opened.Summary() {
		_, _ = fmt.Fprintln(std.stdout, line)
	}
	return exitOK
}

// fail prints err and returns code, for the caller to return.
func fail(std stdio, err error, code int) int {
	_, _ = fmt.Fprintln(std.stderr, "gateway:", err)
	return code
}
