package telemetry

import "runtime/debug"

// build returns what the Go toolchain noted in the binary: the module's version, the commit and the toolchain's own
// version. What it does not know is "unknown".
func build() (version, revision, goVersion string) {
	version, revision, goVersion = unknown, unknown, unknown
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, revision, goVersion
	}
	goVersion = info.GoVersion
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			revision = setting.Value
		}
	}
	return version, revision, goVersion
}

const unknown = "unknown"
