package operation

import (
	"math"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

// waitPreference matches the name of the preference wait (RFC 7240 section 4.3).
var waitPreference = regexp.MustCompile(`^(?i)wait$`)

// quotedString matches a quoted string (RFC 9110 section 5.6.4), terminated or not.
var quotedString = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*(?:"|\\?$)`)

// FuzzPreferWait compares preferredWait with a slower parser. A single wait in whole
// seconds is returned, any other wait is an error, and other preferences are ignored.
func FuzzPreferWait(f *testing.F) {
	for _, value := range []string{
		"", "wait=5", `wait="5"`, "WAIT = 3", "respond-async, wait=10", "wait=10, respond-async", "wait", "wait=", "wait=x", "wait=-1", "wait=+1", "wait=0", "wait=00005",
		"wait=2147483647", "wait=2147483648", "wait=9223372036", "wait=9223372037", "wait=18446744073709551616", "wait=1, wait=2", "wait=1;x=2", `wait=1; a="b"; c`, "wait;x=1", "a;wait=1", "wait=1.5", "wait=1s", "wait=1_0",
		"wait=0x5", "return=minimal", "waits=5", "a=wait=5", "wait=5=6", `wait=""5""`, `wait="`, `foo="a, wait=5"`, `foo="a\", wait=5", wait=6`, `foo="`, `foo="\`, "wait=\t5\t", "wait=\u00a05", "wait=\x00", ",,,", "=5",
	} {
		f.Add(value, "")
		f.Add(value, "wait=7")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		wait, given, err := preferredWait(http.Header{"Prefer": {first, second}})
		var waits []string // the value of each preference wait
		for _, line := range []string{first, second} {
			line = quotedString.ReplaceAllStringFunc(line, strings.NewReplacer(",", "_", ";", "_").Replace)
			for part := range strings.SplitSeq(line, ",") {
				part, _, _ = strings.Cut(part, ";")
				name, value, _ := strings.Cut(part, "=")
				if waitPreference.MatchString(strings.TrimSpace(name)) {
					waits = append(waits, regexp.MustCompile(`^"(.*)"$`).ReplaceAllString(strings.TrimSpace(value), "$1"))
				}
			}
		}
		seconds, ok := new(big.Int), false
		if len(waits) == 1 && waits[0] != "" && strings.Trim(waits[0], "0123456789") == "" {
			_, ok = seconds.SetString(waits[0], 10)
			ok = ok && seconds.Cmp(big.NewInt(math.MaxInt32)) <= 0
		}
		switch {
		case len(waits) == 0:
			require.NoError(t, err)
			require.False(t, given)
			require.Zero(t, wait)
		case ok:
			require.NoError(t, err, "%q %q", first, second)
			require.True(t, given)
			require.Equal(t, time.Duration(seconds.Int64())*time.Second, wait, "%q %q", first, second)
		default:
			require.True(t, problem.Is(err, problem.InvalidRequest), "%q %q", first, second)
			require.Zero(t, wait)
		}
	})
}
