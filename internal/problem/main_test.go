package problem_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker is part of texts that must not reach a caller.
const marker = "MARKER"
