package handlers

import (
	"context"

	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/upstream"
)

// hold encodes a response and reserves its bytes, which it holds until it is
// written. It comes before the request's slot is given back: responses that wait
// for room are as many as there are slots at most.
func (a *API) hold(ctx context.Context, c *operationRequest, result *response) (err error) {
	if err = result.encode(); err != nil {
		return err
	}
	c.room = int64(max(result.size, len(result.text)))
	c.held, err = a.options.Responses.Reserve(ctx, c.principal.Account(), c.principal.Share, c.room)
	if err != nil {
		result.raw.Release()
		if result.drop != nil {
			result.drop()
		}
		return request.Unshown(c.method, err)
	}
	return nil
}

// resume fetches the next page of a response that has begun, in a slot of its
// own: that of the request was given back when the response began, because a slow
// reader must not hold one, and without one a caller's streams would have no
// bound. The page's bytes are reserved as soon as it is there. Where they have no
// room yet the page is dropped, its slot is given back, and it is fetched again
// when they have: what waits holds neither.
func (a *API) resume(ctx context.Context, c *operationRequest, fetch func(context.Context) (upstream.Response, error)) (upstream.Response, error) {
	c.held.Release()
	for {
		held, err := a.options.Responses.Resume(ctx, c.principal.Account(), c.principal.Share, c.room)
		if err != nil {
			return upstream.Response{}, err
		}
		page, err := a.fetchInSlot(ctx, c, fetch)
		if err != nil {
			held.Release()
			return page, err
		}
		c.room = int64(len(page.Bytes()))
		if held.Fit(c.room) {
			c.held = held
			return page, nil
		}
		page.Release()
		held.Release()
	}
}

func (a *API) fetchInSlot(ctx context.Context, c *operationRequest, fetch func(context.Context) (upstream.Response, error)) (upstream.Response, error) {
	slot, err := a.options.Reads.Resume(ctx, c.principal.Account(), c.principal.Share)
	if err != nil {
		return upstream.Response{}, err
	}
	defer slot.Release()
	return fetch(ctx)
}

// holdItems reserves the bytes of what is shared with other streams and is
// written next.
func (a *API) holdItems(ctx context.Context, c *operationRequest, items [][]byte) (err error) {
	size := 0
	for _, item := range items {
		size += len(item)
	}
	c.held.Release()
	c.held, err = a.options.Responses.Resume(ctx, c.principal.Account(), c.principal.Share, int64(size))
	return err
}
