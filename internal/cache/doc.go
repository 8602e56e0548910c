// Package cache holds a bounded number of values in memory.
//
// Trust boundary: callers may choose the keys. Keys must be derived so that two callers cannot produce the same one.
// Memory is bounded whatever callers send. Values do not expire; the code that reads a value checks whether it is still
// valid.
package cache
