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

// File holds the parsed content of a small file and is reloaded when it changes.
// [File.Load] needs no lock. A version that cannot be read or parsed never
// replaces a valid one: an operator's mistake must not lock out every caller.
type File[T any] struct {
	path    string
	parse   Parser[T]
	options Options
	current atomic.Pointer[T]
	// latest is the version that was read last. rejection is the reason why it was
	// rejected; empty if it is in force. After Open, only Poll uses them.
	latest    version
	rejection string
	rejected  atomic.Bool // whether rejection is set, for InForce
}

// Parser parses a file's content. It also receives the value in force, which is nil
// at first and must not be changed.
type Parser[T any] func(content []byte, inForce *T) (*T, error)

// Options configure how changes of a file are reported. The zero value reports no
// changes.
type Options struct {
	// Log receives a record for every new version. Nil discards them.
	Log *slog.Logger
	// OnReload is called after every new version: with nil when the version
	// took effect, with the reason when the old one stays in force. It is meant
	// for a metric.
	OnReload func(error)
}

// version is the hash of a file's content, or of the error from reading it.
type version [sha256.Size]byte

// Open reads the file for the first time. It returns an error if the file
// cannot be read or parsed. The error does not contain the path; the caller
// adds it.
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
	f.latest = sha256.Sum256(content)
	return f, f.replace(content)
}

// Load returns the newest valid version.
func (f *File[T]) Load() *T { return f.current.Load() }

// InForce reports whether the version that was read last is in force. It is false while the
// file is missing or invalid.
func (f *File[T]) InForce() bool { return !f.rejected.Load() }

// PollInterval calls poll once per interval, which must be positive, until ctx is
// done.
func PollInterval(ctx context.Context, interval time.Duration, poll func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			poll(ctx)
		}
	}
}

// Poll reads the file and compares the content with the last version. Comparing time
// and size would be cheaper but would miss a rewrite within one tick of the clock. A
// watch on the inode would lose the file when Kubernetes replaces the symbolic
// link to its directory. A rejected version is parsed again at every poll,
// although it is reported once: it may name other files, and the cause may be fixed
// in one of them. Poll must not be called concurrently.
func (f *File[T]) Poll(ctx context.Context) {
	content, err := readRegular(f.path)
	found := version(sha256.Sum256(content))
	if err != nil {
		found = sha256.Sum256([]byte(err.Error()))
	}
	if found == f.latest && f.rejection == "" {
		return
	}
	if err == nil {
		err = f.replace(content)
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if found == f.latest && reason == f.rejection {
		return
	}
	f.latest, f.rejection = found, reason
	f.rejected.Store(err != nil)
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

// readRegular reads a regular file of up to [maxFileSize] bytes. A pipe would
// block the loop, and a device would never end. The error does not quote the
// path, because an operator may have put a token there instead of a file name.
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
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
