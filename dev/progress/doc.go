// Package progress prints the progress of a slow command to a terminal.
//
// It imports only the standard library, so that a program that only prints progress compiles quickly.
package progress
