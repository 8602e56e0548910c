// Command build compiles the development stack and shows that it does: the Temporal server in it takes minutes the
// first time. It is run from the module's directory and leaves ../bin/stack.
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
	var seen counts
	return p.Step("building the development stack (the first build takes minutes)", seen.String, func() error {
		return build(ctx, &seen)
	})
}

// counts is how far the compiler has come.
type counts struct {
	modules, packages atomic.Int64
}

// String is for the person who waits.
func (c *counts) String() string {
	return fmt.Sprintf("%d modules downloaded, %d packages compiled", c.modules.Load(), c.packages.Load())
}

// build counts the modules and packages that the compiler names as it gets to them. What else it writes is shown as it
// is: the text of an error.
func build(ctx context.Context, seen *counts) error {
	command := exec.CommandContext(ctx, "go", "build", "-v", "-o", "../bin/stack", "./cmd/stack")
	output, err := command.StderrPipe()
	if err != nil {
		return fmt.Errorf("watch the compiler: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the compiler: %w", err)
	}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "go: downloading "):
			seen.modules.Add(1)
		case !strings.Contains(line, " "):
			seen.packages.Add(1)
		default:
			fmt.Fprintln(os.Stderr, line)
		}
	}
	return command.Wait()
}
