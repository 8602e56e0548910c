package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// interval is the time between two messages of a step.
const interval = 5 * time.Second

// Progress prints lines with the time since [New].
type Progress struct {
	begin time.Time
	mu    sync.Mutex
	out   io.Writer
}

// New returns a Progress that writes to out and ignores write errors.
func New(out io.Writer) *Progress {
	return &Progress{begin: time.Now(), out: out}
}

// Elapsed returns the time since [New].
func (p *Progress) Elapsed() time.Duration { return time.Since(p.begin) }

// Println prints one line.
func (p *Progress) Println(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "[%5.1fs] %s\n", p.Elapsed().Seconds(), line)
}

// Step prints what, calls do, and prints a message every few seconds until do returns. If detail is not nil, the
// messages contain its result.
func (p *Progress) Step(what string, detail func() string, do func() error) error {
	p.Println(what)
	done := make(chan struct{})
	var reminder sync.WaitGroup
	reminder.Go(func() { p.printPeriodically(what, detail, done) })
	defer reminder.Wait()
	defer close(done)
	return do()
}

func (p *Progress) printPeriodically(what string, detail func() string, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		line := "still " + what
		if detail != nil {
			line += ": " + detail()
		}
		p.Println(line)
	}
}
