package reload

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

// File holds the parsed content of a small file and follows its changes.
// Readers take the current value without a lock. A version that cannot be read
// or parsed never replaces a good one: an operator's slip must not lock every
// caller out.
type File[T any] struct {
	path    string
	parse   Parser[T]
	options Options
	current atomic.Pointer[T]
	// seen is the version that was looked at last, and rejected what was wrong
	// with it, empty when it is in force. Only Poll touches them once the file
	// is open.
	seen     version
	rejected string
}

// Parser makes a value of a file's content. It is given the value in force,
// nil at first, and must not change it.
type Parser[T any] func(content []byte, inForce *T) (*T, error)

// Options say who is told of a file's changes. The zero value tells nobody.
type Options struct {
	// Log is told of every new version that was looked at.
	Log *slog.Logger
	// OnReload is called after them: with nil when the version took effect, with
	// the reason when the old one stays in force. It is meant for a metric.
	OnReload func(error)
}

// version tells one state of the file from another.
type version [sha256.Size]byte

// Open reads the file for the first time; a bad one is an error, which leaves
// the path to the caller.
func Open[T any](path string, parse Parser[T], options Options) (*File[T], error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.OnReload == nil {
		options.OnReload = func(error) {}
	}
	f := &File[T]{path: path, parse: parse, options: options}
	content, err := readRegular(path)
	if err != nil {
		return nil, err
	}
	f.seen = sha256.Sum256(content)
	return f, f.replace(content)
}

// Load gives the newest good version.
func (f *File[T]) Load() *T { return f.current.Load() }

// Every looks every interval, which must be positive, until ctx ends.
func Every(ctx context.Context, interval time.Duration, look func(context.Context)) {
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

// Poll reads the whole file and compares its content. Time and size would be
// cheaper and would miss a rewrite within one tick of the clock; a watch on
// the inode would lose the file when Kubernetes swaps the symlink above it. A
// rejected version is tried at every look, though reported once: what is wrong
// may be a file that it names, and be mended there. One Poll at a time may run.
func (f *File[T]) Poll(ctx context.Context) {
	content, err := readRegular(f.path)
	found := version(sha256.Sum256(content))
	if err != nil {
		found = sha256.Sum256([]byte(err.Error()))
	}
	if found == f.seen && f.rejected == "" {
		return
	}
	if err == nil {
		err = f.replace(content)
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if found == f.seen && reason == f.rejected {
		return
	}
	f.seen, f.rejected = found, reason
	if err != nil {
		f.options.Log.LogAttrs(ctx, slog.LevelError, "file rejected, its last good version stays in force",
			slog.String("file", f.path), slog.Any("error", err))
	} else {
		f.options.Log.LogAttrs(ctx, slog.LevelInfo, "file reloaded", slog.String("file", f.path))
	}
	f.options.OnReload(err)
}

func (f *File[T]) replace(content []byte) error {
	value, err := f.parse(content, f.Load())
	if err == nil {
		f.current.Store(value)
	}
	return err
}

// readRegular reads a regular file up to [maxFileSize]. A pipe would block the
// loop, a device never end. The error does not quote the path: it may be a
// token that somebody wrote where the name of its file belongs.
func readRegular(path string) ([]byte, error) {
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
