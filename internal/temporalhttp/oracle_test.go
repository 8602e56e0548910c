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
	casesPerBinding = flag.Int("oracle.cases", 24, "cases for each binding")
	firstSeed       = flag.Uint64("oracle.seed", 1, "of the first binding's cases")
	update          = flag.Bool("update", false, "write docs/temporal-http-api.md")
)

// TestDoorEqualsTemporalsHTTPAPI sends generated requests to grpc-gateway's mux,
// configured as in Temporal's frontend, and to the door. Except for the known
// differences, both must make the same upstream call and return the same response.
func TestDoorEqualsTemporalsHTTPAPI(t *testing.T) {
	t.Parallel()
	all, table := rules(), differences()
	found := make([]int, len(table))
	s, g, cases, others := newSides(t), newGenerator(t), 0, 0
	for i, r := range all {
		g.Restart(*firstSeed + uint64(i))
		for range *casesPerBinding {
			p := s.sendToBoth(t.Context(), g.next(r))
			description := p.String() // reconcile changes the pair
			known, other := p.reconcile(table)
			cases++
			for _, i := range known {
				found[i]++
			}
			if other == "" {
				continue
			}
			if others++; others <= 10 {
				t.Errorf("%s: %s\n%s\nTemporal: %d %s\nthe door: %d %s", r, other, description, p.temporal.status, p.temporal.body, p.door.status, p.door.body)
			}
		}
	}
	checked, enough := 0, *casesPerBinding >= 24
	for i, d := range table {
		t.Logf("%6d times: %s", found[i], d.here)
		if d.reconcile == nil {
			continue
		}
		checked++
		if enough {
			assert.Positive(t, found[i], "the difference %q never occurred. Does it still exist?", d.here)
		}
	}
	t.Logf("oracle: %d bindings, %d cases, %d known differences, %d others", len(all), cases, checked, others)
}

// TestOracleDetectsAlteredBindings applies each alteration to each binding, and
// requires that the oracle reports a difference.
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
				_, other := s.sendToBoth(t.Context(), g.next(r)).reconcile(table)
				detected = other != ""
			}
			undo()
			require.True(t, detected, "%s: the oracle does not detect that %s", r, alteration)
		}
	}
	t.Logf("oracle: %d alterations detected", altered)
}

// TestDocumentHasEveryDifference compares the table in docs/temporal-http-api.md with
// the known differences of the oracle.
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
	require.True(t, ok, "the document has no table")
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "the table does not end")
	want := before + begin + strings.TrimSuffix(rows.String(), "\n") + end + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(document), "go test ./internal/temporalhttp -run TestDocumentHasEveryDifference -update writes it")
}
