//go:build race

package schedule_test

// pairsInCase is lower because the race detector makes the test slow.
const pairsInCase = 5
