// Package report contains the results of a benchmark run, computes statistics, and renders them as tables, as a page
// and as a chart.
package report
