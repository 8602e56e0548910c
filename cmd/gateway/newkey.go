package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

const usageOfNewKey = "usage: gateway keys new --id ID [--grant NAMESPACE=ROLE|OPERATION[+OPERATION ...] ...] [--file FILE [--once]] [--out FILE]"

// newKeyOptions are the flags of gateway keys new.
type newKeyOptions struct {
	id     string
	grants grantFlags
	// file is the keys file to append the entry to, and out the file for the key. If they are empty, newKey prints
	// entry and key.
	file, out string
	// once makes newKey do nothing if file has an entry with this id.
	once bool
}

// newKey generates an API key and its entry for the keys file. The entry contains only the hash, so the key itself is
// stored nowhere, except in the file that the operator names.
func newKey(args []string, std stdio) int {
	var options newKeyOptions
	flags := flag.NewFlagSet("gateway keys new", flag.ContinueOnError)
	flags.SetOutput(std.stderr)
	flags.StringVar(&options.id, "id", "", "the key's `ID`: up to 32 of a-z, 0-9 and -")
	flags.Var(&options.grants, "grant",
		"a `GRANT` as NAMESPACE=ROLE or NAMESPACE=OPERATION+OPERATION, such as orders=write or orders=signal+query; may be repeated")
	flags.StringVar(&options.file, "file", "", "the keys `FILE` (YAML) to append the entry to instead of printing it")
	flags.StringVar(&options.out, "out", "", "the new `FILE` to write the key to instead of printing it")
	flags.BoolVar(&options.once, "once", false, "do nothing if the keys file has an entry with this id")
	if flags.Parse(args) != nil || options.id == "" || flags.NArg() > 0 || options.once && options.file == "" {
		_, _ = fmt.Fprintln(std.stderr, usageOfNewKey)
		return exitUsage
	}
	if options.once {
		exists, err := hasEntry(options.file, options.id)
		if err != nil {
			return fail(std, err, exitUsage)
		}
		if exists {
			return exitOK
		}
	}
	key, entry, err := apikey.New(options.id, rand.Reader, options.grants...)
	if err != nil {
		return fail(std, err, exitUsage)
	}
	if err := options.deliver(key, entry, std); err != nil {
		return fail(std, err, exitFailure)
	}
	return exitOK
}

// hasEntry reports whether a keys file has an entry with the id. A file that does not exist has none.
func hasEntry(file, id string) (bool, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	keys, err := apikey.Open(file, apikey.Options{Mint: auth.NoCredential()})
	if err != nil {
		return false, err
	}
	return keys.Has(id), nil
}

// deliver writes or prints the key and its entry. The key comes first: an entry whose key is lost is of no use.
func (o newKeyOptions) deliver(key, entry string, std stdio) error {
	if o.out == "" {
		_, _ = fmt.Fprintf(std.stdout, "# The key. It is not stored anywhere; the keys file contains only its hash.\n%s\n\n", key)
	} else if err := writeNew(o.out, key+"\n"); err != nil {
		return err
	}
	if o.file == "" {
		_, _ = fmt.Fprint(std.stdout, "# Entry for \"keys:\" in the keys file. Fill in the grants.\n", entry)
		return nil
	}
	err := apikey.Append(o.file, entry)
	if err != nil && o.out != "" {
		err = errors.Join(err, os.Remove(o.out))
	}
	return err
}

// writeNew writes a file that only its owner can read. It does not replace a file, which could be the only copy of
// another key.
func writeNew(name, content string) error {
	const onlyOwner = 0o600
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, onlyOwner)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}

// grantFlags are the grants of repeated flags. It implements [flag.Value].
type grantFlags []auth.Grant

// String returns an empty string: the flag has no default.
func (g *grantFlags) String() string { return "" }

// Set appends a grant. [apikey.New] validates the namespace.
func (g *grantFlags) Set(text string) error {
	namespace, names, found := strings.Cut(text, "=")
	if !found {
		return errors.New("must be NAMESPACE=ROLE or NAMESPACE=OPERATION+OPERATION")
	}
	grant := auth.Grant{Namespace: namespace}
	var errOfRole error
	if grant.Role, errOfRole = auth.ParseRole(names); errOfRole != nil {
		for name := range strings.SplitSeq(names, "+") {
			operation, err := auth.ParseOperation(name)
			if err != nil {
				return fmt.Errorf("%q is neither a role, which %w, nor an operation, which %w", name, errOfRole, err)
			}
			grant.Operations |= operation
		}
	}
	*g = append(*g, grant)
	return nil
}
