package report

import (
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine on which the results were measured.
type Machine struct {
	CPU   string
	Cores int
	Go    string
}

// ThisMachine returns the machine that this program runs on.
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
