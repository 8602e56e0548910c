package peers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// Plain returns a grpc-gateway with the default configuration and JSON format.
func Plain(ctx context.Context, conn grpc.ClientConnInterface) (http.Handler, error) {
	return plain(ctx, conn)
}

// PlainTemporal returns a grpc-gateway with the JSON format of Temporal's frontend, in which payloads have a shorthand
// form.
func PlainTemporal(ctx context.Context, conn grpc.ClientConnInterface) (http.Handler, error) {
	return plain(ctx, conn, runtime.WithMarshalerOption(runtime.MIMEWildcard, newMarshaler()))
}

func plain(ctx context.Context, conn grpc.ClientConnInterface, options ...runtime.ServeMuxOption) (http.Handler, error) {
	mux := runtime.NewServeMux(options...)
	if err := workflowservice.RegisterWorkflowServiceHandlerClient(ctx, mux, workflowservice.NewWorkflowServiceClient(conn)); err != nil {
		return nil, fmt.Errorf("register the grpc-gateway's routes: %w", err)
	}
	return mux, nil
}
