// Command stack implements make run: it runs a Temporal server, a sample worker and the gateway until Ctrl-C.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/flowgate/flowgate/dev/stack"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func run() error {
	// A second Ctrl-C has no effect. The stack stops within a time limit, and an early exit would leave the gateway
	// running.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ports, err := stack.PortsFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	return stack.Run(ctx, stack.RunOptions{Ports: ports})
}
