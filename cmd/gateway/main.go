// Command gateway is Flowgate: an HTTP API in front of a Temporal server.
package main

import (
	"fmt"
	"io"
	"os"
)

// version is set by the linker, which can set only variables.
var version = "dev"

// Exit codes: 1 for a failure at run time or a failed connection, 2 for invalid
// arguments or an invalid configuration.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

//nolint:dupword // a line of the table ends with the word that the next begins with
const usage = `Flowgate puts an HTTP API in front of a Temporal server.

Usage:
  gateway serve --config FILE [--set PATH=VALUE ...]   run the gateway
  gateway check --config FILE [--set PATH=VALUE ...] [--connect]
                                                       list every problem of a configuration; with --connect, also try the
                                                       Temporal servers, the namespaces and the issuers of JWTs
  gateway health [--live] [--config FILE] [...]        exit with 0 if the gateway on this machine is ready, or live
  gateway config print --config FILE [--set ...]       print the configuration in force, and the source of each setting
  gateway explain REQUEST-ID < LOG                     describe what happened to a request, from the log
  gateway keys new --id ID [--grant NAMESPACE=ROLE|OPERATION[+OPERATION ...] ...] [--file FILE [--once]] [--out FILE]
                                                       generate an API key and its entry for the keys file, or append
                                                       the entry to the keys file and write the key to a new file
  gateway keys hash                                    read a key from standard input, print its hash for the keys file
  gateway keys check --file FILE                       list every problem of a keys file, or the rights and limits of its keys
  gateway jwks --config FILE [--out FILE]              write the public keys that verify the tokens of the gateway
  gateway version                                      print the version

PATH is a setting's path, such as limits.maxWait. Every setting has an
environment variable too: FLOWGATE_LIMITS_MAX_WAIT.

The exit code is 0 for success, 2 for invalid arguments, an invalid configuration
or an invalid keys file, and 1 for any other failure, such as that of a connection.
`

// stdio holds the standard streams of a command.
type stdio struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() { os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})) }

// run runs the command line args and returns the exit code.
func run(args []string, std stdio) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(std.stderr, usage)
		return exitUsage
	}
	switch command, rest := args[0], args[1:]; command {
	case "serve":
		return serve(rest, std.stderr)
	case "check":
		return check(rest, std)
	case "config":
		return configCommand(rest, std)
	case "health":
		return health(rest, std)
	case "explain":
		return explain(rest, std)
	case "keys":
		return keys(rest, std)
	case "jwks":
		return jwks(rest, std)
	case "version", "--version":
		_, _ = fmt.Fprintln(std.stdout, version)
		return exitOK
	case "help", "--help", "-h":
		_, _ = fmt.Fprint(std.stdout, usage)
		return exitOK
	default:
		_, _ = fmt.Fprintf(std.stderr, "gateway: unknown command %q\n\n%s", command, usage)
		return exitUsage
	}
}
