// Package cache holds a bounded number of values in memory.
//
// Trust boundary: callers may choose the keys. Keys must be derived so that two callers cannot produce the same one.
// Memory is bounded whatever callers send. The cache does not expire values; its user checks whether a value is still
// valid.
package cache
