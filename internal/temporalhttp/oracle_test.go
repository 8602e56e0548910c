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

// TestDoorDoesAsTemporalsOwnHTTPAPI sends generated requests to grpc-gateway's
// mux, set up as Temporal's frontend sets it up, and to the door. Both have to
// make the same call of the upstream and the same response of what it returns,
// but for the known differences.
func TestDoorDoesAsTemporalsOwnHTTPAPI(t *testing.T) {
	t.Parallel()
	all, table := rules(), differences()
	found := make([]int, len(table))
	s, g, cases, others := newSides(t), newGenerator(t), 0, 0
	for i, r := range all {
		g.Restart(*firstSeed + uint64(i))
		for range *casesPerBinding {
			p := s.both(t.Context(), g.next(r))
			description := p.String() // before it is reconciled
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
	shown, enough := 0, *casesPerBinding >= 24
	for i, d := range table {
		t.Logf("%6d times: %s", found[i], d.here)
		if d.reconcile == nil {
			continue
		}
		shown++
		if enough {
			assert.Positive(t, found[i], "the difference %q was never met. Is it one still?", d.here)
		}
	}
	t.Logf("oracle: %d bindings, %d cases, %d known differences, %d others", len(all), cases, shown, others)
}

// TestAnAlteredBindingIsNoticed breaks each binding in each way that it can be
// broken, and requires that the oracle reports it.
func TestAnAlteredBindingIsNoticed(t *testing.T) {
	t.Parallel()
	const enough = 60 // cases
	s, g, table, altered := newSides(t), newGenerator(t), differences(), 0
	for i, r := range rules() {
		for _, alteration := range slices.Sorted(maps.Keys(temporalhttp.Alterations)) {
			undo, ok := s.rpc.Alter(r.verb, r.pattern, temporalhttp.Alterations[alteration])
			if !ok {
				continue
			}
			altered++
			noticed := false
			g.Restart(uint64(i))
			for n := 0; n < enough && !noticed; n++ {
				_, other := s.both(t.Context(), g.next(r)).reconcile(table)
				noticed = other != ""
			}
			undo()
			require.True(t, noticed, "%s: nobody notices that %s", r, alteration)
		}
	}
	t.Logf("oracle: %d alterations noticed", altered)
}

// TestTheDocumentHasEveryDifference holds the table of docs/temporal-http-api.md
// against the one that the oracle goes by.
func TestTheDocumentHasEveryDifference(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/temporal-http-api.md", "| here | why |\n| --- | --- |\n", "\n\n"
	var rows strings.Builder
	for _, d := range differences() {
		rows.WriteString("| " + d.here + " | " + d.why + " |\n")
	}
	document, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(document), begin)
	require.True(t, ok, "the table is not there")
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "the table does not end")
	want := before + begin + strings.TrimSuffix(rows.String(), "\n") + end + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(document), "go test ./internal/temporalhttp -run TestTheDocument -update writes it")
}
