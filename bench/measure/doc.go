// Package measure does a run: it starts the upstream and the targets, puts the same load on one after the other, and
// gathers what each request cost.
package measure
