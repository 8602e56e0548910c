// Package yamlnode reads YAML files strictly and reports every problem at once, each under its path.
//
// The library's own strict decoding stops at the first problem, reports lines and no paths, and quotes the values that it
// rejects. This package walks the library's nodes instead: unknown fields, duplicate keys, values of the wrong type and
// numbers in place of strings are problems, and no problem quotes a value, because a value may be a secret in the wrong
// field.
//
// A path names a value the same way in every file, variable and flag of the gateway: fields with dots, elements of lists
// in brackets, as in auth.jwt[0].publicKeyFile. Build one with [Key] and [Index].
//
// Trust boundary: the files are the operator's. An alias is followed where it stands, so that a file may use anchors; the
// depth of a document is that of what reads it, and an anchor that contains itself ends there.
package yamlnode
