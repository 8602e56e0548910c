// Command generate writes the OpenAPI documents of Temporal's HTTP API as the
// gateway offers it. They come from those that are published with the linked
// version of Temporal's API, with their faults repaired and what is the
// gateway's own added.
//
//	generate openapi OUTPUT   OpenAPI 3, as YAML
//	generate swagger OUTPUT   Swagger 2, as YAML that tools/yaml2json turns into JSON
//
// It is part of the gateway's module, and not of tools, so that the documents
// cannot be of another version than the routes. The gateway does not link it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(command(os.Args[1:], os.Stderr)) }

// command gives the exit code.
func command(args []string, stderr io.Writer) int {
	if err := run(args); err != nil {
		_, _ = fmt.Fprintln(stderr, "generate:", err)
		return 1
	}
	return 0
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: generate openapi|swagger OUTPUT")
	}
	kind, ok := kinds()[args[0]]
	if !ok {
		return fmt.Errorf("%q is neither openapi nor swagger", args[0])
	}
	document, err := kind.read()
	if err != nil {
		return err
	}
	if err := kind.repair(document); err != nil {
		return err
	}
	return kind.write(document, args[1])
}
