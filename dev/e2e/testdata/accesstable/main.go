// Command accesstable prints the gateway's access table as JSON, for a test of another module: requiring the gateway's
// module there would force its dependencies on the Temporal server, which does not compile with all of them. It is run
// as a file, from the repository's root.
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
