// Package load sends requests over connections that are kept, and measures what the answers take. It reads as little of
// an answer as it can, because it shares the machine with what it measures.
package load
