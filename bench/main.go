package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/flowgate/flowgate/bench/measure"
	"github.com/flowgate/flowgate/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		err = serve(ctx, os.Args[2:])
	} else {
		err = bench(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench measures, prints the results and, with -write, writes the documents. It also prints incomplete results.
func bench(ctx context.Context) (err error) {
	options := measure.Options{StartProcess: startProcess, Progress: os.Stderr}
	flag.StringVar(&options.Gateway, "gateway", "../bin/gateway", "the gateway's binary")
	flag.IntVar(&options.Connections, "connections", 16, "number of connections, each with one request in flight")
	flag.IntVar(&options.Rounds, "rounds", 6, "number of rounds; each target has one turn per round")
	flag.DurationVar(&options.Window, "window", 350*time.Millisecond, "length of a turn per call")
	flag.DurationVar(&options.PaceWindow, "pace-window", 1500*time.Millisecond, "length of a turn per call at the fixed rate")
	flag.IntVar(&options.Callers, "callers", 5000, "number of concurrent waiting callers; 0 skips them")
	flag.StringVar(&options.Profiles, "profile", "", "directory for CPU profiles of the gateway and of the floor; empty records none")
	flag.DurationVar(&options.ProfileTime, "profile-time", 3*time.Second, "length of each CPU profile")
	short := flag.Bool("short", false, "measure very briefly, to check that everything works")
	write := flag.Bool("write", false, "write performance.md and performance.svg to the directory of -docs")
	docs := flag.String("docs", "../docs", "directory for the documents that -write writes")
	flag.Parse()
	if *short {
		options.Rounds, options.Window, options.PaceWindow = 1, 150*time.Millisecond, 100*time.Millisecond
		options.Callers, options.ProfileTime = min(options.Callers, 1000), time.Second
	}
	if options.Dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(options.Dir)) }()
	results, err := measure.Run(ctx, options)
	if results == nil {
		return err
	}
	err = errors.Join(err, results.WriteText(os.Stdout))
	if *write {
		err = errors.Join(err, writeDocs(results, *docs))
	}
	return err
}

// writeDocs writes performance.md and the chart in it, performance.svg.
func writeDocs(results *report.Results, dir string) error {
	page, err := os.Create(filepath.Join(dir, "performance.md")) //nolint:gosec // the user's argument
	if err != nil {
		return err
	}
	chart, err := os.Create(filepath.Join(dir, "performance.svg")) //nolint:gosec // the user's argument
	if err != nil {
		return errors.Join(err, page.Close())
	}
	return errors.Join(results.WriteMarkdown(page), page.Close(), results.WriteSVG(chart), chart.Close())
}
