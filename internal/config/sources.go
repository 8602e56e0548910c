package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Sources has the source of each setting that is not a default, by path: "file", the name of an environment variable, or
// "flag". A map or a list of sections has one source.
type Sources map[string]string

const (
	sourceFile = "file"
	sourceFlag = "flag"
)

// addFile adds the settings that are in a mapping of the file. It stops at values and lists, and at the maps that are not
// sections of [Config].
func (s Sources) addFile(prefix string, mapping *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		path, value := yamlnode.FieldPath(prefix, mapping.Content[i].Value), mapping.Content[i+1]
		isMap := path == "namespaces" || path == "upstream.metadata"
		if value.Kind == yaml.MappingNode && !isMap {
			s.addFile(path, value)
		} else if !yamlnode.IsNull(value) {
			s[path] = sourceFile
		}
	}
}
