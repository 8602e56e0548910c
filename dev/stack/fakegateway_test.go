package stack_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// modeVariable is an environment variable. If it is set to one of the modes, the test executable runs as a fake
// gateway. With it, tests need no build of the gateway and can use gateways that misbehave.
const modeVariable = "FAKE_GATEWAY"

// The modes of a fake gateway.
const (
	// behaves is the mode without faults: the gateway becomes ready and stops gracefully on a signal.
	behaves = "behaves"
	// failsToStart exits immediately with an error message.
	failsToStart = "fails to start"
	// neverReady listens and responds to readiness probes with 503.
	neverReady = "never ready"
	// ignoresSignals does not stop on a signal.
	ignoresSignals = "ignores signals"
	// crashes exits with an error at the first request for /crash.
	crashes = "crashes"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(fakeGateway(mode))
	}
	os.Exit(m.Run())
}

// fakeGateway runs a fake gateway and returns its exit code. It logs three lines: its arguments, its addresses, and
// "drained" after a signal.
func fakeGateway(mode string) int {
	if mode == failsToStart {
		fmt.Println("listen.public: is wrong")
		return 2
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("arguments", os.Args[1:])
	crashed, crash := context.WithCancel(context.Background())
	handler := http.NewServeMux()
	handler.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { crash() })
	handler.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if mode == neverReady {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	var addresses []any
	for _, name := range []string{"public", "admin"} {
		var config net.ListenConfig
		listener, err := config.Listen(crashed, "tcp", os.Getenv("FLOWGATE_LISTEN_"+strings.ToUpper(name)))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		addresses = append(addresses, slog.String(name, listener.Addr().String()))
		go func() { panic(http.Serve(listener, handler)) }()
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("serving", addresses...)
	for {
		select {
		case <-crashed.Done():
			fmt.Println("crashing")
			return 3
		case <-signals:
			fmt.Println("drained")
			if mode != ignoresSignals {
				return 0
			}
		}
	}
}
