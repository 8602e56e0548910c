package stack

import (
	"errors"
	"os"
	"path/filepath"
)

// defaultConfig is the configuration of make run, relative to the repository's root.
const defaultConfig = "dev/stack/gateway.yaml"

// findRoot returns the repository's root. It searches the working directory and its parents, because make runs the
// stack in the root and go test runs it in the directory of a package.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", errors.Join(errors.New("find the repository"), err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, defaultConfig)); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the stack must be run inside the repository: no " + defaultConfig + " in any directory above")
		}
		dir = parent
	}
}
