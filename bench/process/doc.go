// Package process runs the measured programs as separate processes and reads their CPU time, memory and allocations.
package process
