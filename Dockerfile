# syntax=docker/dockerfile:1
# docker build --build-arg VERSION=1.0.0 -t flowgate .
#
# Both bases can be replaced where no registry is reached. BUILD_IMAGE needs Go and the certificates of the usual
# authorities. RUNTIME_IMAGE needs nothing: the binary is static and contains the time zones.
ARG BUILD_IMAGE=docker.io/library/golang:1.26.8
ARG RUNTIME_IMAGE=scratch

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /src
# The modules are a layer of their own: it changes only when they do.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
# The flags are those of .goreleaser.yaml: the binary is equal, byte for byte, to that of the archives.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/gateway ./cmd/gateway

FROM ${RUNTIME_IMAGE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/gateway /usr/local/bin/gateway
# A number, so that Kubernetes can verify that it is not root.
USER 65532:65532
# Probes and collectors of metrics come from outside of the container, where the default, loopback, cannot be reached.
ENV FLOWGATE_LISTEN_ADMIN=:8081
EXPOSE 8080 8081
# Liveness and not readiness, because some runtimes restart containers that are unhealthy, and a restart does not help
# while Temporal is unavailable.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/gateway", "health", "--live"]
ENTRYPOINT ["/usr/local/bin/gateway"]
CMD ["serve", "--config", "/etc/flowgate/gateway.yaml"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Flowgate" \
      org.opencontainers.image.description="HTTP gateway in front of a Temporal server" \
      org.opencontainers.image.source="https://github.com/flowgate/flowgate" \
      org.opencontainers.image.documentation="https://github.com/flowgate/flowgate/blob/main/docs/operations.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
