// Package config holds the gateway's one typed configuration and reads it.
//
// Values come from four places, each winning over the one before: the defaults, one YAML file, the environment, and the
// flags of the command line. Reading is strict and complete: an unknown, repeated or ill-typed key, a bad value and a
// file that is missing or does not parse are all reported at once, each under its path (see package yamlnode), so that one
// run shows everything there is to mend.
//
// Whoever writes the file, the environment or the flags is trusted to run the gateway, and nobody else reaches this
// package. Mistakes are not trusted: what is unknown or contradictory stops the start instead of being guessed. A
// [Config] names secrets by file and holds none; [Load] opens those files to check them and keeps nothing of what it
// read. A problem quotes no value but the names of files, and of those that hold secrets only names that exist. A Config is
// therefore safe to print.
package config
