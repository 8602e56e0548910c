// Command soak runs the soak test: a stack of its own, ten minutes of good and hostile traffic, and a report. Its exit
// code says whether every promise was kept.
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
	// attackArgument is the argument that makes this program the hostile traffic alone.
	attackArgument = "attackers"
	// lowest is the priority of those that only take what time is left.
	lowest = "19"
	// lazyGC lets Temporal and the good caller, who share this process, take their time from memory: their collections
	// are not the gateway's latency. One takes 50 ms of both processors; at 800 there is one each 4.4 s under the flood,
	// which is a hundredth of the time, and so would be just what a p99 shows.
	lazyGC = 3200
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) == 2 && os.Args[1] == attackArgument { //nolint:mnd // the program and its argument
		err = attack(ctx, os.Stdin, os.Stdout)
	} else if err = run(ctx); err == nil {
		_, _ = fmt.Fprintln(os.Stdout, "\nevery promise was kept")
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nbroken:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	debug.SetGCPercent(lazyGC)
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

// attackInProcess attacks from a process of the lowest priority: the attackers' machines are not the gateway's.
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
	_ = command.Wait() // it was told to end, and has said what it had to say
	return tally, err
}

// attack is the process of elsewhere. It ends when it is told to.
func attack(ctx context.Context, in io.Reader, out io.Writer) error {
	var options soak.Options
	if err := json.NewDecoder(in).Decode(&options); err != nil {
		return err
	}
	tally, err := soak.Attack(ctx, options)
	return errors.Join(err, json.NewEncoder(out).Encode(tally))
}
