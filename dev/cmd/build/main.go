// Command build compiles the development stack to ../bin/stack and prints progress, because the first build of the
// Temporal server takes minutes. Run it in the directory of the module.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"

	"github.com/flowgate/flowgate/dev/progress"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := progress.New(os.Stdout)
	var finished counts
	return p.Step("building the development stack (the first build takes minutes)", finished.String, func() error {
		return build(ctx, &finished)
	})
}

// counts is the compiler's progress.
type counts struct {
	modules, packages atomic.Int64
}

// String returns the progress as text.
func (c *counts) String() string {
	return fmt.Sprintf("%d modules downloaded, %d packages compiled", c.modules.Load(), c.packages.Load())
}

// build runs the compiler and counts the modules and packages that it reports. It forwards all other output, which
// consists of error messages.
func build(ctx context.Context, finished *counts) error {
	command := exec.CommandContext(ctx, "go", "build", "-v", "-o", "../bin/stack", "./cmd/stack")
	output, err := command.StderrPipe()
	if err != nil {
		return fmt.Errorf("read the output of the compiler: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "go: downloading "):
			finished.modules.Add(1)
		case !strings.Contains(line, " "):
			finished.packages.Add(1)
		default:
			fmt.Fprintln(os.Stderr, line)
		}
	}
	return command.Wait()
}
