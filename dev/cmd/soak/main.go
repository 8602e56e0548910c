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
	// lowest is the lowest scheduling priority (nice value).
	lowest = "19"
	// lazyGC is the GOGC value of this process, which runs Temporal and the regular caller. Fewer collections mean that
	// they do not add to the measured latency. A collection takes 50 ms on both processors. At 800 there is one per 4.4
	// s during the flood, which is about 1 % of the time and would otherwise determine the p99.
	lazyGC = 3200
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
		fmt.Fprintf(os.Stderr, "\nbroken:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	debug.SetGCPercent(lazyGC)
	duration := flag.Duration("duration", 10*time.Minute, "duration of the test")
	rate := flag.Int("rate", 50, "requests per second of the regular caller")
	flood := flag.Int("flood", 64, "number of connections of the flooding caller")
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
		URL: gateway.URL, AdminURL: gateway.AdminURL, GoodKey: stack.WriterKey, AbusiveKey: stack.ReaderKey,
		TaskQueue: sample.TaskQueue, Duration: *duration, GoodRate: *rate, Flood: *flood, Out: os.Stdout,
		Attack: attackInProcess,
	})
	if report != nil {
		report.Write(os.Stdout)
		err = errors.Join(err, report.CheckLatencies())
	}
	return err
}

// attackInProcess runs the attack in a process of the lowest priority, because real attackers use other machines.
func attackInProcess(ctx context.Context, options soak.Options) (*soak.Tally, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "nice", "-n", lowest, self, attackArgument)
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
	_ = command.Wait() // it was asked to end, and its output is complete
	return tally, err
}

// attack runs in the process of attackInProcess until its input is closed.
func attack(ctx context.Context, in io.Reader, out io.Writer) error {
	var options soak.Options
	if err := json.NewDecoder(in).Decode(&options); err != nil {
		return err
	}
	tally, err := soak.Attack(ctx, options)
	return errors.Join(err, json.NewEncoder(out).Encode(tally))
}
