// Command soak runs the soak test: a stack of its own, ten minutes of good and hostile traffic, and a report. Its exit
// code says whether every promise was kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/soak"
	"github.com/flowgate/flowgate/dev/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nbroken:\n%v\n", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, "\nevery promise was kept")
}

func run(ctx context.Context) (err error) {
	duration := flag.Duration("duration", 10*time.Minute, "how long to soak")
	rate := flag.Int("rate", 50, "requests a second of the good caller")
	flood := flag.Int("flood", 64, "connections of the caller that floods")
	flag.Parse()
	log, err := stack.CreateLog("soak.log")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	s, err := stack.Start(ctx, stack.Options{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	gateway, err := s.StartGateway(ctx, stack.GatewayOptions{Env: soak.Limits()})
	if err != nil {
		return err
	}
	report, err := soak.Run(ctx, soak.Options{
		URL: gateway.URL, AdminURL: gateway.AdminURL, GoodKey: stack.WriterKey, AbusiveKey: stack.ReaderKey,
		TaskQueue: sample.TaskQueue, Duration: *duration, GoodRate: *rate, Flood: *flood, Out: os.Stdout,
	})
	if report != nil {
		report.Write(os.Stdout)
		err = errors.Join(err, report.Patient())
	}
	return err
}
