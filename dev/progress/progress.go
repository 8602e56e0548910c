package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// interval is how long a step may be silent.
const interval = 5 * time.Second

// Progress writes lines that begin with the time since New.
type Progress struct {
	begin time.Time
	mu    sync.Mutex
	out   io.Writer
}

// New begins to count time. What cannot be written to out is lost: nobody is there to read it.
func New(out io.Writer) *Progress {
	return &Progress{begin: time.Now(), out: out}
}

// Elapsed is the time since New.
func (p *Progress) Elapsed() time.Duration { return time.Since(p.begin) }

// Println writes one line.
func (p *Progress) Println(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "[%5.1fs] %s\n", p.Elapsed().Seconds(), line)
}

// Step says what begins, does it and, for as long as that lasts, says every few seconds that it goes on. A detail, when
// there is one, tells how far it has come.
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
