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

// environmentStartTimeout is the maximum time for the environment of tests to become ready.
const environmentStartTimeout = time.Minute

// RunTests runs the tests of a package in one environment, such as a stack, and returns the exit code for TestMain. The
// argument tests is the *testing.M of TestMain. The function run starts the environment before ctx is done, calls its
// argument tests, and stops the environment. The log of the environment is bin/NAME.log.
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
	ctx, cancel := context.WithTimeout(context.Background(), environmentStartTimeout)
	defer cancel()
	return run(ctx, log, tests)
}

// raiseParallelism sets the number of parallel tests above the number of processors, because the tests mostly wait for
// timers, polls and the visibility store.
func raiseParallelism() error {
	if IsFlagSet("test.parallel") {
		return nil
	}
	return flag.Set("test.parallel", "16")
}

// IsFlagSet reports whether a flag is set on the command line.
func IsFlagSet(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
