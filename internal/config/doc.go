// Package config defines the gateway's configuration and loads it.
//
// Values come from four sources, each of which overrides the previous one: the defaults, one YAML file, the environment,
// and command-line flags. Loading is strict and complete: unknown or duplicate keys, values of the wrong type, invalid
// values, and files that are missing or do not parse are reported together, each with its path (see package yamlnode).
// So one run lists everything that has to be fixed.
//
// Trust boundary: the file, the environment and the flags come from the operator, who is trusted. Failure posture: the
// gateway does not start with an unknown or contradictory setting; it never guesses. A [Config] refers to secrets by
// file name and contains none, so it is safe to print. [Load] opens those files to validate them and does not keep
// their content. A problem quotes no value except file names, and the names of files with secrets only if the file
// exists.
package config
