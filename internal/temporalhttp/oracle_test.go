package temporalhttp_test

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/temporalhttp"
)

//nolint:gochecknoglobals // flags
var (
	casesPerBinding = flag.Int("oracle.cases", 24, "number of generated cases for each binding")
	firstSeed       = flag.Uint64("oracle.seed", 1, "seed for the cases of the first binding; binding i has this seed + i")
	update          = flag.Bool("update", false, "rewrite the table in docs/temporal-http-api.md")
)

// The test sends generated requests to grpc-gateway's mux, configured as in Temporal's
// frontend, and to the door. Except for the known differences, both must make the same
// upstream call and return the same response.
func TestDoorBehavesLikeTemporalsHTTPAPI(t *testing.T) {
	t.Parallel()
	all, table := rules(), differences()
	occurrences := make([]int, len(table)) // of each known difference
	s, g, cases, unexpected := newSides(t), newGenerator(t), 0, 0
	for i, r := range all {
		g.Restart(*firstSeed + uint64(i))
		for range *casesPerBinding {
			p := s.sendToBoth(t.Context(), g.next(r))
			description := p.String() // before reconcile changes the pair
			known, unknown := p.reconcile(table)
			cases++
			for _, i := range known {
				occurrences[i]++
			}
			if unknown == "" {
				continue
			}
			if unexpected++; unexpected <= 10 {
				t.Errorf("%s: %s\n%s\nTemporal: %d %s\nthe door: %d %s", r, unknown, description, p.temporal.status, p.temporal.body, p.door.status, p.door.body)
			}
		}
	}
	observable, enough := 0, *casesPerBinding >= 24 // fewer cases may not include every difference
	for i, d := range table {
		t.Logf("%6d times: %s", occurrences[i], d.here)
		if d.reconcile == nil { // this test cannot observe the difference
			continue
		}
		observable++
		if enough {
			assert.Positive(t, occurrences[i], "the difference %q never occurred. Does it still exist?", d.here)
		}
	}
	t.Logf("oracle: %d bindings, %d cases, %d known differences, %d unexpected ones", len(all), cases, observable, unexpected)
}

// The test alters each binding in each possible way, and requires that the comparison
// with Temporal's HTTP API then finds an unexpected difference.
func TestOracleDetectsAlteredBindings(t *testing.T) {
	t.Parallel()
	const maxCases = 60
	s, g, table, altered := newSides(t), newGenerator(t), differences(), 0
	for i, r := range rules() {
		for _, alteration := range slices.Sorted(maps.Keys(temporalhttp.Alterations)) {
			undo, ok := s.api.Alter(r.verb, r.pattern, temporalhttp.Alterations[alteration])
			if !ok {
				continue
			}
			altered++
			detected := false
			g.Restart(uint64(i))
			for n := 0; n < maxCases && !detected; n++ {
				_, unknown := s.sendToBoth(t.Context(), g.next(r)).reconcile(table)
				detected = unknown != ""
			}
			undo()
			require.True(t, detected, "%s: the comparison does not detect that %s", r, alteration)
		}
	}
	t.Logf("oracle: %d alterations detected", altered)
}

// The table in docs/temporal-http-api.md must list exactly the known differences.
func TestDocumentHasEveryDifference(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/temporal-http-api.md", "| here | why |\n| --- | --- |\n", "\n\n"
	var rows strings.Builder
	for _, d := range differences() {
		rows.WriteString("| " + d.here + " | " + d.why + " |\n")
	}
	document, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(document), begin)
	require.True(t, ok, "the document has no table of differences")
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "no blank line ends the table")
	want := before + begin + strings.TrimSuffix(rows.String(), "\n") + end + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(document), "go test ./internal/temporalhttp -run TestDocumentHasEveryDifference -update rewrites the table")
}
