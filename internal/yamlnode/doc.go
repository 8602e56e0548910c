// Package yamlnode reads YAML files strictly and reports every problem at once, each under its path.
//
// The strict decoding of go.yaml.in/yaml stops at the first problem, reports lines instead of paths, and quotes the
// values that it rejects. This package walks the library's nodes instead. Unknown fields, duplicate keys, values of the
// wrong type and numbers in place of strings are problems. No problem quotes a value, because a value may be a
// misplaced secret.
//
// A path has the same syntax for every file, variable and flag of the gateway: fields are separated by dots, and list
// elements are in brackets, as in auth.jwt[0].publicKeyFile. [Key] and [Index] build paths.
//
// Trust boundary: the files are the operator's. Aliases are resolved, so a file may use anchors. The depth of the Go
// type that receives the values bounds the depth of a document, so reading an anchor that contains itself ends.
package yamlnode
