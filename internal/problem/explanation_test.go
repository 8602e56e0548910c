package problem_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

func TestCodesListsTheDeclaredCodesInOrder(t *testing.T) {
	t.Parallel()
	require.Equal(t, declaredCodes(t), problem.Codes())
}

func TestEveryCodeIsExplained(t *testing.T) {
	t.Parallel()
	sentence := regexp.MustCompile(`^[A-Z].*\.$`)
	texts := map[string]problem.Code{}
	for _, code := range declaredCodes(t) {
		explanation := code.Explanation()
		for _, text := range []string{explanation.Cause, explanation.Remedy} {
			require.Regexp(t, sentence, text, code)
			require.Zero(t, strings.Count(text, "`")%2, "%s: an unpaired backtick", code)
			require.NotContains(t, texts, text, "%s has the same text as another code", code)
			texts[text] = code
		}
	}
}

func TestUndeclaredCodeHasTheExplanationOfInternal(t *testing.T) {
	t.Parallel()
	require.Equal(t, problem.Internal.Explanation(), problem.Code("no-such-code").Explanation())
}
