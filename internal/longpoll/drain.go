package longpoll

import (
	"context"

	"github.com/flowgate/flowgate/internal/problem"
)

// Drain ends the waits of a door when its replica shuts down: their callers
// repeat the request elsewhere. It is safe for concurrent use.
type Drain struct {
	ctx   context.Context //nolint:containedctx // ends when the drain begins
	begin context.CancelFunc
}

// NewDrain returns a drain that has not begun.
func NewDrain() *Drain {
	ctx, begin := context.WithCancel(context.Background())
	return &Drain{ctx: ctx, begin: begin}
}

// Begin ends the waits, now and from now on.
func (d *Drain) Begin() { d.begin() }

// Done is closed when the drain begins.
func (d *Drain) Done() <-chan struct{} { return d.ctx.Done() }

// AfterFunc runs f when the drain begins, as [context.AfterFunc] does.
func (d *Drain) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.ctx, f) }

// Context returns a copy of ctx that also ends when the drain begins, then with
// the cause [problem.ShuttingDown]. Its cancel function must be called.
func (d *Drain) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	stop := d.AfterFunc(func() { end(problem.ShuttingDown()) })
	return ctx, func() {
		stop()
		end(nil)
	}
}
