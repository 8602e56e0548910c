package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"io"

	"github.com/flowgate/flowgate/internal/auth"
)

// keys makes API keys. The key is shown this once; the entry below it holds
// just its hash.
func keys(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gateway keys new", flag.ContinueOnError)
	flags.SetOutput(stderr)
	id := flags.String("id", "", "the key's `ID`: up to 32 of a-z, 0-9 and -")
	if len(args) == 0 || args[0] != "new" || flags.Parse(args[1:]) != nil || *id == "" || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "usage: gateway keys new --id ID")
		return exitUsage
	}
	key, entry, err := auth.NewKey(*id, rand.Reader)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "gateway:", err)
		return exitUsage
	}
	_, _ = fmt.Fprintf(stdout, "# The key, shown this once. Only its hash goes into the keys file.\n%s\n\n"+
		"# Its entry, to stand under \"keys:\" in the keys file. Fill in the grants.\n%s", key, entry)
	return exitOK
}
