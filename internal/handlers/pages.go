package handlers

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

// Bounds of a page. The server answers with its own maximum, in silence, when
// asked for more.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// streamedPageBytes is the size on the wire from which a page is written while it is
// made. A smaller one is made whole first: what is wrong with it can still be
// told by a status.
const streamedPageBytes = 512 << 10

// paging are the parameters that all lists have.
type paging struct {
	pageSize  *int
	pageToken string
	limit     *int
}

// pages fetches the pages of a list one after another, and shows them as they
// are on the wire.
type pages struct {
	api   *API
	call  *operationRequest
	scope tokenScope
	token []byte
	size  int
	limit int // of what is left to list; negative for all

	// fetch asks the server for a page.
	fetch func(ctx context.Context, token []byte, size int32) (upstream.Response, error)
	// split finds the items and the next token in a page.
	split func(page []byte) (items [][]byte, token []byte)
	// render is the view of a page, line that of an item.
	view, lineView *transcode.Message
	form           transcode.Form
}

// newPages reads the parameters. Query is what else the pages belong to.
func (a *API) newPages(c *operationRequest, params paging, query string) (*pages, error) {
	var v convert.Validation
	p := &pages{
		api: a, call: c, size: pageSize(&v, params.pageSize), limit: -1,
		scope: tokenScope{principal: c.Principal.Name, namespace: c.namespace, operation: c.name, query: query},
	}
	if params.limit != nil {
		p.limit = *params.limit
		if p.limit < 1 {
			v.Add("?limit", "must be at least 1")
		}
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	token, err := openPage(a.options.Tokens, p.scope, params.pageToken)
	p.token = token
	return p, err
}

// pageSize reads how many items a page shall have.
func pageSize(v *convert.Validation, asked *int) int {
	if asked == nil {
		return defaultPageSize
	}
	if *asked < 1 || *asked > maxPageSize {
		v.Add("?pageSize", "must be between 1 and 1000")
	}
	return *asked
}

// respond gives a page, or the stream of all.
func (p *pages) respond(ctx context.Context) (*response, error) {
	page, items, err := p.fetchNext(ctx)
	if err != nil {
		return nil, err
	}
	if p.call.mediaType == contentTypeNDJSON {
		return p.stream(ctx, page, items), nil
	}
	var first []byte
	if p.more() {
		first = append([]byte(`"nextPageToken":"`), sealPage(p.api.options.Tokens, p.scope, p.token)+`"`...)
	}
	if len(page.Bytes()) >= streamedPageBytes {
		return p.streamPage(ctx, page, first), nil
	}
	defer page.Release()
	return p.call.renderView(ctx, p.view, page.Bytes(), p.form, first)
}

// streamPage writes a page while it is made.
func (p *pages) streamPage(ctx context.Context, page upstream.Response, first []byte) *response {
	return &response{size: len(page.Bytes()), drop: page.Release, stream: func(w http.ResponseWriter) error {
		defer page.Release()
		w.Header().Set("Content-Type", contentTypeJSON)
		w.WriteHeader(http.StatusOK)
		err := p.view.WriteJSON(w, page.Bytes(), p.form, first)
		if err == nil {
			_, err = io.WriteString(w, "\n")
		}
		if err != nil {
			abort(ctx, err)
		}
		return nil
	}}
}

// fetchNext fetches a page.
func (p *pages) fetchNext(ctx context.Context) (page upstream.Response, items [][]byte, err error) {
	if page, err = p.get(ctx); err != nil {
		return page, nil, err
	}
	return page, p.take(page), nil
}

// get fetches a page, of no more than what is left of the limit.
func (p *pages) get(ctx context.Context) (upstream.Response, error) {
	size := p.size
	if p.limit >= 0 {
		size = min(size, p.limit)
	}
	return p.fetch(ctx, p.token, int32(size)) //nolint:gosec // at most maxPageSize
}

// take gives a page's items, and goes on behind it.
func (p *pages) take(page upstream.Response) [][]byte {
	items, token := p.split(page.Bytes())
	p.token = bytes.Clone(token) // the page is gone before the next one
	if p.limit >= 0 {
		items = items[:min(len(items), p.limit)]
		p.limit -= len(items)
	}
	return items
}

// more reports whether there is a page after the last one.
func (p *pages) more() bool { return len(p.token) > 0 && p.limit != 0 }

// stream writes an item a line, and fetches the next page when a page is
// written. A failure after the first line can no longer be told by a status:
// the connection is cut, so that what is there never looks complete.
func (p *pages) stream(ctx context.Context, page upstream.Response, items [][]byte) *response {
	return &response{size: len(page.Bytes()), drop: page.Release, stream: func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", contentTypeNDJSON)
		w.WriteHeader(http.StatusOK)
		for {
			err := p.lines(w, items)
			page.Release()
			if err != nil {
				abort(ctx, err)
			}
			_ = http.NewResponseController(w).Flush()
			if !p.more() {
				return nil
			}
			if page, err = p.call.Next(ctx, p.get); err != nil {
				abort(ctx, err)
			}
			items = p.take(page)
		}
	}}
}

func (p *pages) lines(w io.Writer, items [][]byte) error {
	buffered := bufio.NewWriter(w)
	var line []byte
	for _, item := range items {
		var err error
		if line, err = p.lineView.AppendJSON(line[:0], item, p.form, nil); err != nil {
			return problem.Unreadable(err)
		}
		_, _ = buffered.Write(stripNewlines(line))
	}
	return buffered.Flush()
}

// stripNewlines ends a line. What JSON a worker wrote may hold line breaks between its
// tokens, and nowhere else.
func stripNewlines(line []byte) []byte {
	if bytes.ContainsAny(line, "\r\n") {
		for i, c := range line {
			if c == '\n' || c == '\r' {
				line[i] = ' '
			}
		}
	}
	return append(line, '\n')
}
