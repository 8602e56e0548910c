package longpoll

import (
	"context"

	"github.com/flowgate/flowgate/internal/problem"
)

// Drain ends the waits of a door when the replica shuts down, so that their
// callers repeat the requests at another replica. It is safe for concurrent use.
type Drain struct {
	ctx   context.Context //nolint:containedctx // ends when the drain begins
	begin context.CancelFunc
}

// NewDrain returns a drain that has not begun.
func NewDrain() *Drain {
	ctx, begin := context.WithCancel(context.Background())
	return &Drain{ctx: ctx, begin: begin}
}

// Begin begins the drain. It ends all waits, including those that start later.
func (d *Drain) Begin() { d.begin() }

// Done is closed when the drain begins.
func (d *Drain) Done() <-chan struct{} { return d.ctx.Done() }

// AfterFunc runs f when the drain begins, as [context.AfterFunc] does.
func (d *Drain) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.ctx, f) }

// Context returns a copy of ctx that also ends when the drain begins. The cause is
// then [problem.ShuttingDown]. The cancel function must be called.
func (d *Drain) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	stop := d.AfterFunc(func() { end(problem.ShuttingDown()) })
	return ctx, func() {
		stop()
		end(nil)
	}
}
