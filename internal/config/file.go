package config

import (
	"os"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// readFile fills cfg, which holds the defaults, from the YAML file. An empty file changes nothing. A problem of the file
// as a whole names the file; any other has the path of a setting.
func readFile(name string, cfg *Config, problems *Problems) {
	content, err := os.ReadFile(name)
	if err != nil {
		problems.add("", name+" cannot be read: "+reason(err))
		return
	}
	var reader yamlnode.Reader
	if root := reader.Document(content); root != nil && !yamlnode.IsNull(root) {
		reader.Decode("", root, cfg)
	}
	for _, problem := range reader.Problems() {
		if problem.Path == "" {
			problem.Message = name + ": " + problem.Message
		}
		problems.List = append(problems.List, problem)
	}
}
