package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// interval is the time between two lines of a running step.
const interval = 5 * time.Second

// Progress prints lines that begin with the time since [New].
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

// Step prints the title, calls do, and prints a line with the title every few seconds until do returns. If detail is
// not nil, these lines contain its result.
func (p *Progress) Step(title string, detail func() string, do func() error) error {
	p.Println(title)
	done := make(chan struct{})
	var printer sync.WaitGroup
	printer.Go(func() { p.printPeriodically(title, detail, done) })
	defer printer.Wait()
	defer close(done)
	return do()
}

func (p *Progress) printPeriodically(title string, detail func() string, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		line := "still " + title
		if detail != nil {
			line += ": " + detail()
		}
		p.Println(line)
	}
}
