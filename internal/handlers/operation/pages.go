package operation

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// The number of items in a page. The server silently returns fewer items than requested
// if the requested number is above its own maximum.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// streamedPageBytes is the size in protobuf from which a page is written while it is
// rendered. A smaller page is rendered before it is written, so that a rendering error
// can still set the status.
const streamedPageBytes = 512 << 10

// Paging holds the query parameters that every list operation has.
type Paging struct {
	PageSize  *int
	PageToken string
	Limit     *int
}

// Pages fetches the pages of a list one after another and renders them from wire bytes.
// The caller of [Request.NewPages] sets the exported fields.
type Pages struct {
	req   *Request
	scope tokenScope
	token []byte
	size  int
	limit int // the number of items left to return; negative if there is no limit

	// Fetch fetches the page that a page token of the server identifies.
	Fetch func(ctx context.Context, token []byte, size int32) (upstream.Response, error)
	// Split returns the items and the next token of a page.
	Split func(page []byte) (items [][]byte, token []byte)
	// View renders a page as JSON, LineView an item as a line of NDJSON.
	View, LineView *transcode.Plan
	Form           transcode.Options
}

// NewPages validates the parameters. Page tokens are bound to query, which identifies
// the list within the operation.
func (req *Request) NewPages(params Paging, query string) (*Pages, error) {
	var v convert.Validation
	p := &Pages{
		req: req, size: PageSize(&v, params.PageSize), limit: -1,
		scope: tokenScope{principal: req.Principal.Name, namespace: req.Namespace, operation: req.Name, query: query},
	}
	if params.Limit != nil {
		p.limit = *params.Limit
		if p.limit < 1 {
			v.Add("?limit", "must be at least 1")
		}
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	token, err := openPage(req.adapter.pageTokenKeys, p.scope, params.PageToken)
	p.token = token
	return p, err
}

// PageSize returns the number of items in a page that a caller requests, or the
// default.
func PageSize(v *convert.Validation, requested *int) int {
	if requested == nil {
		return defaultPageSize
	}
	if *requested < 1 || *requested > maxPageSize {
		v.Add("?pageSize", "must be between 1 and 1000")
	}
	return *requested
}

// Respond returns a page as JSON, or all items as NDJSON.
func (p *Pages) Respond(ctx context.Context) (*Response, error) {
	page, items, err := p.fetchNext(ctx)
	if err != nil {
		return nil, err
	}
	if p.req.MediaType == NDJSON {
		return p.streamLines(ctx, page, items), nil
	}
	var tokenMember []byte
	if p.more() {
		tokenMember = append([]byte(`"nextPageToken":"`), sealPage(p.req.adapter.pageTokenKeys, p.scope, p.token)+`"`...)
	}
	if len(page.Bytes()) >= streamedPageBytes {
		return p.streamPage(ctx, page, tokenMember), nil
	}
	defer page.Release()
	return p.req.RenderView(ctx, p.View, page.Bytes(), p.Form, tokenMember)
}

// streamPage writes a page while it is rendered.
func (p *Pages) streamPage(ctx context.Context, page upstream.Response, tokenMember []byte) *Response {
	return Stream(len(page.Bytes()), page.Release, func(w http.ResponseWriter) error {
		defer page.Release()
		w.Header().Set("Content-Type", JSON)
		w.WriteHeader(http.StatusOK)
		err := p.View.WriteJSON(w, page.Bytes(), p.Form, tokenMember)
		if err == nil {
			_, err = io.WriteString(w, "\n")
		}
		if err != nil {
			Abort(ctx, err)
		}
		return nil
	})
}

// fetchNext fetches the next page and advances the token.
func (p *Pages) fetchNext(ctx context.Context) (page upstream.Response, items [][]byte, err error) {
	if page, err = p.fetch(ctx); err != nil {
		return page, nil, err
	}
	return page, p.consume(page), nil
}

// fetch fetches the next page, with at most as many items as are left to return.
func (p *Pages) fetch(ctx context.Context) (upstream.Response, error) {
	size := p.size
	if p.limit >= 0 {
		size = min(size, p.limit)
	}
	return p.Fetch(ctx, p.token, int32(size)) //nolint:gosec // at most maxPageSize
}

// consume returns the items of a page and advances the token.
func (p *Pages) consume(page upstream.Response) [][]byte {
	items, token := p.Split(page.Bytes())
	p.token = bytes.Clone(token) // the page is released before the next one is fetched
	if p.limit >= 0 {
		items = items[:min(len(items), p.limit)]
		p.limit -= len(items)
	}
	return items
}

// more reports whether there is another page to return.
func (p *Pages) more() bool { return len(p.token) > 0 && p.limit != 0 }

// streamLines writes one item per line, and fetches each page after the previous one is
// written. A failure after the first line can no longer set the status, so it closes
// the connection.
func (p *Pages) streamLines(ctx context.Context, page upstream.Response, items [][]byte) *Response {
	return Stream(len(page.Bytes()), page.Release, func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", NDJSON)
		w.WriteHeader(http.StatusOK)
		for {
			err := p.writeLines(w, items)
			page.Release()
			if err != nil {
				Abort(ctx, err)
			}
			_ = http.NewResponseController(w).Flush()
			if !p.more() {
				return nil
			}
			if page, err = p.req.FetchPage(ctx, p.fetch); err != nil {
				Abort(ctx, err)
			}
			items = p.consume(page)
		}
	})
}

func (p *Pages) writeLines(w io.Writer, items [][]byte) error {
	buffered := bufio.NewWriter(w)
	var line []byte
	for _, item := range items {
		var err error
		if line, err = p.LineView.AppendJSON(line[:0], item, p.Form, nil); err != nil {
			return problem.UnreadableResponse(err)
		}
		_, _ = buffered.Write(convert.Line(line))
	}
	return buffered.Flush()
}

// FirstToken returns a page token for the first page.
func (p *Pages) FirstToken() string { return p.req.adapter.pageTokenKeys.Seal(p.scope.seal(), nil) }

// SplitList returns the items and the token of a message that has them in fields 1
// and 2, as the responses of list RPCs do.
func SplitList(page []byte) (items [][]byte, token []byte) {
	const item, nextPageToken = 1, 2
	for number, value := range transcode.Fields(page) {
		if number == item {
			items = append(items, value)
		}
		if number == nextPageToken {
			token = value
		}
	}
	return items, token
}
