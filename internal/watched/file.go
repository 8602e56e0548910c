package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	parse   parser[T]
	options options
	current atomic.Pointer[T]
	// seen is the version that was looked at last, and rejected what was wrong
	// with it, empty when it is in force. Only Watch touches them once the
	// file is open.
	seen     version
	rejected string
}

// parser makes a value of a file's content. It is given the value in force,
// nil at first, and must not change it.
type parser[T any] func(content []byte, inForce *T) (*T, error)

// version tells one state of the file from another.
type version [sha256.Size]byte

// openWatched reads the file for the first time; a bad one is an error, which
// leaves the path to the caller.
func openWatched[T any](path string, parse parser[T], o options) (*watchedFile[T], error) {
	w := &watchedFile[T]{path: path, parse: parse, options: o}
	content, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	w.seen = sha256.Sum256(content)
	return w, w.replace(content)
}

// load gives the newest good version.
func (w *watchedFile[T]) load() *T { return w.current.Load() }

// follow looks every interval until ctx ends.
func follow(ctx context.Context, interval time.Duration, look func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			look(ctx)
		}
	}
}

// poll reads the whole file and compares its content. Time and size would be
// cheaper and would miss a rewrite within one tick of the clock; a watch on
// the inode would lose the file when Kubernetes swaps the symlink above it. A
// rejected version is tried at every look, though reported once: what is wrong
// may be a file that it names, and be mended there. One poll at a time may run.
func (w *watchedFile[T]) poll(ctx context.Context) {
	content, err := readSmall(w.path)
	found := version(sha256.Sum256(content))
	if err != nil {
		found = sha256.Sum256([]byte(err.Error()))
	}
	if found == w.seen && w.rejected == "" {
		return
	}
	if err == nil {
		err = w.replace(content)
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if found == w.seen && reason == w.rejected {
		return
	}
	w.seen, w.rejected = found, reason
	if err != nil {
		w.options.logger.LogAttrs(ctx, slog.LevelError, "file rejected, its last good version stays in force",
			slog.String("file", w.path), slog.Any("error", err))
	} else {
		w.options.logger.LogAttrs(ctx, slog.LevelInfo, "file reloaded", slog.String("file", w.path))
	}
	w.options.onReload(err)
}

func (w *watchedFile[T]) replace(content []byte) error {
	value, err := w.parse(content, w.load())
	if err == nil {
		w.current.Store(value)
	}
	return err
}

// readSmall reads a regular file up to [maxFileSize]. A pipe would block the
// loop, a device never end. The error does not quote the path: it may be a
// token that somebody wrote where the name of its file belongs.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("larger than %d bytes", maxFileSize)
	}
	return content, errors.Join(withoutPath(err), file.Close())
}

func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
