package config

import (
	"os"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// readFile applies the YAML file to cfg, which contains the defaults, and adds its settings to sources. An empty file changes nothing. The message of a
// problem without a path gets the file's name as a prefix.
func readFile(name string, cfg *Config, sources Sources, problems *Problems) {
	content, err := os.ReadFile(name)
	if err != nil {
		problems.add("", name+" cannot be read: "+reason(err))
		return
	}
	var reader yamlnode.Reader
	if root := reader.Document(content); root != nil && !yamlnode.IsNull(root) {
		reader.Decode("", root, cfg)
		sources.addFile("", root)
	}
	for _, problem := range reader.Problems() {
		if problem.Path == "" {
			problem.Message = name + ": " + problem.Message
		}
		problems.List = append(problems.List, problem)
	}
}
