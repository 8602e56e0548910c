// Command accesstable prints the access table of the gateway as JSON, for a test in the module dev. That module cannot
// require the gateway's module, because the Temporal server does not compile with the versions of all its dependencies.
// Run this file with go run from the root of the repository.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/flowgate/flowgate/internal/auth"
)

func main() {
	type access struct {
		Role  auth.Role  `json:"role"`
		Scope auth.Scope `json:"scope"`
	}
	table := map[string]access{}
	for method, required := range auth.AccessTable() {
		table[method] = access{required.Role, required.Scope}
	}
	if err := json.NewEncoder(os.Stdout).Encode(table); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
