// Package progress prints the progress of a slow command to a terminal.
//
// It imports only the standard library, so that a program that needs nothing else compiles quickly.
package progress
