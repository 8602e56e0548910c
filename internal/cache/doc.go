// Package cache remembers a bounded number of values.
//
// Trust boundary: the keys may be chosen by callers. A key must not be one that two callers can make equal, and memory is
// bounded whatever they send. Values are kept as they are given; whether one is still good is for its user to judge.
package cache
