package report

import (
	"os"
	"runtime"
	"strings"
)

// Machine is where it was measured.
type Machine struct {
	CPU   string
	Cores int
	Go    string
}

// ThisMachine is the one that this runs on.
func ThisMachine() Machine {
	machine := Machine{CPU: "unknown", Cores: runtime.NumCPU(), Go: runtime.Version()}
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return machine
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			machine.CPU = strings.TrimSpace(value)
			break
		}
	}
	return machine
}
