package stack

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// sharedStartTimeout is the time for the environment of tests to become ready.
const sharedStartTimeout = time.Minute

// RunTests runs the tests of a package in a shared environment and returns the exit code for TestMain. tests is the
// *testing.M of TestMain. run starts the environment, calls its argument tests and stops the environment. Its log is
// bin/NAME.log.
func RunTests(name string, tests interface{ Run() int }, run func(ctx context.Context, log io.Writer, tests func() int) (code int, err error)) int {
	flag.Parse()
	code, err := runTests(name, tests.Run, run)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return code
}

func runTests(name string, tests func() int, run func(context.Context, io.Writer, func() int) (int, error)) (code int, err error) {
	if err := raiseParallelism(); err != nil {
		return 0, err
	}
	log, err := CreateLog(name + ".log")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), sharedStartTimeout)
	defer cancel()
	return run(ctx, log, tests)
}

// raiseParallelism runs more tests in parallel than there are processors, because they mostly wait for timers, polls
// and the visibility store.
func raiseParallelism() error {
	if FlagGiven("test.parallel") {
		return nil
	}
	return flag.Set("test.parallel", "16")
}

// FlagGiven reports whether a flag is on the command line.
func FlagGiven(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
