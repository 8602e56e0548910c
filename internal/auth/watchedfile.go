package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// maxFileSize is the size of the largest Kubernetes secret.
const maxFileSize = 1 << 20

// watchedFile holds the parsed content of a small file and follows its
// changes. Readers take the current value without a lock. A version that
// cannot be read or parsed never replaces a good one: an operator's slip must
// not lock every caller out.
type watchedFile[T any] struct {
	path    string
	parse   func([]byte) (*T, error)
	options options
	current atomic.Pointer[T]
	// seen is the version that was looked at last, good or bad. Only Watch
	// touches it once the file is open.
	seen version
}

// version tells one state of the file from another.
type version [sha256.Size]byte

// openWatched reads the file for the first time; a bad one is an error.
func openWatched[T any](path string, parse func([]byte) (*T, error), o options) (*watchedFile[T], error) {
	w := &watchedFile[T]{path: path, parse: parse, options: o}
	content, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	value, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	w.current.Store(value)
	w.seen = sha256.Sum256(content)
	return w, nil
}

// load gives the newest good version.
func (w *watchedFile[T]) load() *T { return w.current.Load() }

// watch looks at the file every interval until ctx ends. One at a time may
// run.
func (w *watchedFile[T]) watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.poll(ctx)
		}
	}
}

// poll reads the whole file and compares its content. Time and size would be
// cheaper and would miss a rewrite within one tick of the clock; a watch on
// the inode would lose the file when Kubernetes swaps the symlink above it.
func (w *watchedFile[T]) poll(ctx context.Context) {
	content, err := readSmall(w.path)
	found := version(sha256.Sum256(content))
	if err != nil {
		found = sha256.Sum256([]byte(err.Error()))
	}
	if found == w.seen {
		return
	}
	w.seen = found
	if err == nil {
		err = w.replace(content)
	}
	if err != nil {
		w.options.logger.LogAttrs(ctx, slog.LevelError, "file rejected, its last good version stays in force",
			slog.String("file", w.path), slog.Any("error", err))
	} else {
		w.options.logger.LogAttrs(ctx, slog.LevelInfo, "file reloaded", slog.String("file", w.path))
	}
	w.options.onReload(err)
}

func (w *watchedFile[T]) replace(content []byte) error {
	value, err := w.parse(content)
	if err == nil {
		w.current.Store(value)
	}
	return err
}

// readSmall reads a regular file up to [maxFileSize]. A pipe would block the
// loop, a device never end.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator's own configuration names it
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s: larger than %d bytes", path, maxFileSize)
	}
	return content, errors.Join(err, file.Close())
}
