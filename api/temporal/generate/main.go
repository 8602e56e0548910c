// Command generate writes the OpenAPI documents of the Temporal HTTP API as the
// gateway serves it. It starts from the documents in the linked version of
// go.temporal.io/api, fixes their faults, and adds the parts that are specific
// to the gateway.
//
//	generate openapi OUTPUT   OpenAPI 3, as YAML
//	generate swagger OUTPUT   Swagger 2, as YAML that tools/yaml2json converts to JSON
//
// It is part of the gateway's module, and not of tools, so that the documents
// and the routes always have the same version. The gateway does not link it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(command(os.Args[1:], os.Stderr)) }

// command runs the program and returns its exit code.
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
