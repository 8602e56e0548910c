// Command soak runs the soak test: a separate stack, ten minutes of regular and hostile traffic, and a report. It exits
// with 0 if all checks pass.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/soak"
	"github.com/flowgate/flowgate/dev/stack"
)

const (
	// attackArgument makes this program generate only the hostile traffic.
	attackArgument = "attackers"
	// lowestPriority is the nice value of the lowest scheduling priority.
	lowestPriority = "19"
	// gcPercent is the GOGC value of this process, which runs Temporal and the regular caller. It is so high that garbage
	// collection hardly affects the measured latencies: a collection delays both by about 50 ms, and with a value of 800
	// there is one every 4.4 s, which is about 1 % of the time and determines the p99.
	gcPercent = 3200
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) == 2 && os.Args[1] == attackArgument { //nolint:mnd // the program and its argument
		err = attack(ctx, os.Stdin, os.Stdout)
	} else if err = run(ctx); err == nil {
		_, _ = fmt.Fprintln(os.Stdout, "\nall checks passed")
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nfailed:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	debug.SetGCPercent(gcPercent)
	duration := flag.Duration("duration", 10*time.Minute, "duration of the run")
	rate := flag.Int("rate", 50, "requests per second of the regular caller")
	flood := flag.Int("flood", 64, "number of connections on which the hostile caller sends requests without a pause")
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
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	settings, err := soak.Settings(dir)
	if err != nil {
		return err
	}
	gateway, err := s.StartGateway(ctx, stack.GatewayOptions{Env: settings})
	if err != nil {
		return err
	}
	report, err := soak.Run(ctx, soak.Options{
		URL: gateway.URL, AdminURL: gateway.AdminURL, RegularKey: stack.WriterKey, HostileKey: stack.ReaderKey,
		TaskQueue: sample.TaskQueue, Duration: *duration, RegularRate: *rate, Flood: *flood, Out: os.Stdout,
		Attack: attackInSubprocess,
		Control: func(ctx context.Context, workflowID string) error {
			_, err := s.Client().DescribeWorkflowExecution(ctx, workflowID, "")
			return err
		},
	})
	if report != nil {
		report.Write(os.Stdout)
		err = errors.Join(err, report.CheckLatencies())
	}
	return err
}

// attackInSubprocess runs the attack in a process of the lowest priority, because real attackers use other machines.
func attackInSubprocess(ctx context.Context, options soak.Options) (*soak.Tally, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "nice", "-n", lowestPriority, self, attackArgument)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	tally := soak.NewTally()
	err = errors.Join(json.NewEncoder(stdin).Encode(options), stdin.Close(), json.NewDecoder(stdout).Decode(tally))
	_ = command.Wait() // the error only reports the signal: the tally has been received
	return tally, err
}

// attack runs in the process that attackInSubprocess starts. It reads the options from in, attacks until ctx is done,
// and writes the tally to out.
func attack(ctx context.Context, in io.Reader, out io.Writer) error {
	var options soak.Options
	if err := json.NewDecoder(in).Decode(&options); err != nil {
		return err
	}
	tally, err := soak.Attack(ctx, options)
	return errors.Join(err, json.NewEncoder(out).Encode(tally))
}
