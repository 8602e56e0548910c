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

// modeVariable makes the test executable a fake gateway, so that the stack can be tested without building the gateway,
// and with gateways that misbehave.
const modeVariable = "FAKE_GATEWAY"

const (
	// behaves stops gracefully on a signal.
	behaves = "behaves"
	// refuses exits at once with an error message.
	refuses = "refuses"
	// neverReady listens, but is not ready.
	neverReady = "never ready"
	// ignores does not stop on a signal.
	ignores = "ignores"
	// crashes exits with an error at the first request for /crash.
	crashes = "crashes"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(fakeGateway(mode))
	}
	os.Exit(m.Run())
}

// fakeGateway runs a fake gateway and returns its exit code.
func fakeGateway(mode string) int {
	if mode == refuses {
		fmt.Println("listen.public: is wrong")
		return 2
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("arguments", os.Args[1:])
	crashing, crash := context.WithCancel(context.Background())
	handler := http.NewServeMux()
	handler.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { crash() })
	handler.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if mode == neverReady {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	var where []any
	for _, name := range []string{"public", "admin"} {
		var config net.ListenConfig
		listener, err := config.Listen(crashing, "tcp", os.Getenv("FLOWGATE_LISTEN_"+strings.ToUpper(name)))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		where = append(where, slog.String(name, listener.Addr().String()))
		go func() { panic(http.Serve(listener, handler)) }()
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("serving", where...)
	for {
		select {
		case <-crashing.Done():
			fmt.Println("crashing")
			return 3
		case <-asked:
			fmt.Println("drained")
			if mode != ignores {
				return 0
			}
		}
	}
}
