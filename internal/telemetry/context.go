package telemetry

import "context"

type eventKey struct{}

// NewContext returns a context that carries the request's event.
func NewContext(ctx context.Context, e *Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

// FromContext returns the request's event, or nil when there is none. All methods of a nil Event are no-ops.
func FromContext(ctx context.Context) *Event {
	e, _ := ctx.Value(eventKey{}).(*Event)
	return e
}
