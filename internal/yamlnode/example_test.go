package yamlnode_test

import (
	"fmt"
	"time"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Every problem is reported at once, and none quotes a value.
func ExampleReader_Decode() {
	settings := struct {
		Address string        `yaml:"address"`
		Timeout time.Duration `yaml:"timeout"`
		Hosts   []string      `yaml:"hosts"`
	}{Timeout: time.Second}
	content := []byte("address: 7233\ntimeouts: 1s\nhosts: [a, {b: c}]\naddress: temporal:7233\n")

	var reader yamlnode.Reader
	if root := reader.Document(content); root != nil {
		reader.Decode("", root, &settings)
	}
	fmt.Println(yamlnode.InFile("gateway.yaml", reader.Err()))
	// Output:
	// gateway.yaml: address: must be a string: put quotes around it
	// gateway.yaml: timeouts: unknown field
	// gateway.yaml: hosts[1]: must be a string
	// gateway.yaml: address: duplicate key, first in line 1
}
