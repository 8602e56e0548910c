// Package progress tells somebody at a terminal what a slow command is doing and for how long.
//
// It uses nothing but the standard library, so that a program that only shows progress compiles at once.
package progress
