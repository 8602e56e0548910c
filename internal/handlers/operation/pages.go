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

// Bounds of a page. A larger page would be cut silently by the server, which has its
// own maximum.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// streamedPageBytes is the wire size from which a page is written while it is rendered.
// A smaller page is rendered first, so that an error still has a status.
const streamedPageBytes = 512 << 10

// Paging has the query parameters of all lists.
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
	limit int // how many items are left to list; negative for all

	// Fetch fetches the page at a token of the server.
	Fetch func(ctx context.Context, token []byte, size int32) (upstream.Response, error)
	// Split returns the items and the next token of a page.
	Split func(page []byte) (items [][]byte, token []byte)
	// View renders a page, LineView an item.
	View, LineView *transcode.Message
	Form           transcode.Form
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
	token, err := openPage(req.adapter.tokens, p.scope, params.PageToken)
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
		return p.stream(ctx, page, items), nil
	}
	var first []byte
	if p.more() {
		first = append([]byte(`"nextPageToken":"`), sealPage(p.req.adapter.tokens, p.scope, p.token)+`"`...)
	}
	if len(page.Bytes()) >= streamedPageBytes {
		return p.streamPage(ctx, page, first), nil
	}
	defer page.Release()
	return p.req.RenderView(ctx, p.View, page.Bytes(), p.Form, first)
}

// streamPage writes a page while it is rendered.
func (p *Pages) streamPage(ctx context.Context, page upstream.Response, first []byte) *Response {
	return Stream(len(page.Bytes()), page.Release, func(w http.ResponseWriter) error {
		defer page.Release()
		w.Header().Set("Content-Type", JSON)
		w.WriteHeader(http.StatusOK)
		err := p.View.WriteJSON(w, page.Bytes(), p.Form, first)
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
	if page, err = p.get(ctx); err != nil {
		return page, nil, err
	}
	return page, p.take(page), nil
}

// get fetches the next page, with no more items than are left.
func (p *Pages) get(ctx context.Context) (upstream.Response, error) {
	size := p.size
	if p.limit >= 0 {
		size = min(size, p.limit)
	}
	return p.Fetch(ctx, p.token, int32(size)) //nolint:gosec // at most maxPageSize
}

// take returns the items of a page and advances the token.
func (p *Pages) take(page upstream.Response) [][]byte {
	items, token := p.Split(page.Bytes())
	p.token = bytes.Clone(token) // the page is released before the next one is fetched
	if p.limit >= 0 {
		items = items[:min(len(items), p.limit)]
		p.limit -= len(items)
	}
	return items
}

// more reports whether there is another page.
func (p *Pages) more() bool { return len(p.token) > 0 && p.limit != 0 }

// stream writes one item a line, and fetches the next page when a page is written. A
// failure after the first line has no status any more: it closes the connection.
func (p *Pages) stream(ctx context.Context, page upstream.Response, items [][]byte) *Response {
	return Stream(len(page.Bytes()), page.Release, func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", NDJSON)
		w.WriteHeader(http.StatusOK)
		for {
			err := p.lines(w, items)
			page.Release()
			if err != nil {
				Abort(ctx, err)
			}
			_ = http.NewResponseController(w).Flush()
			if !p.more() {
				return nil
			}
			if page, err = p.req.Next(ctx, p.get); err != nil {
				Abort(ctx, err)
			}
			items = p.take(page)
		}
	})
}

func (p *Pages) lines(w io.Writer, items [][]byte) error {
	buffered := bufio.NewWriter(w)
	var line []byte
	for _, item := range items {
		var err error
		if line, err = p.LineView.AppendJSON(line[:0], item, p.Form, nil); err != nil {
			return problem.Unreadable(err)
		}
		_, _ = buffered.Write(convert.Line(line))
	}
	return buffered.Flush()
}

// FirstToken returns a token that leads to the page at which the list began.
func (p *Pages) FirstToken() string { return p.req.adapter.tokens.Seal(p.scope.seal(), nil) }

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
