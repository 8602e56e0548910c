package problem_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker is part of each text that a response must not contain.
const marker = "MARKER"
