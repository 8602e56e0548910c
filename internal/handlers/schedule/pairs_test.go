//go:build !race

package schedule_test

// pairsInCase is the number of pairs of schedules in a case of rapid.
const pairsInCase = 50
