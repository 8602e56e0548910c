// Package process runs what is measured as processes of their own, and reads off them what a request costs: processor
// time, memory and allocations.
package process
