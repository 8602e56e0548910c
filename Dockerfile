# syntax=docker/dockerfile:1
# docker build --build-arg VERSION=1.0.0 -t flowgate .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
# The modules are a layer of their own: it changes only when they do.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/gateway ./cmd/gateway

# Certificates of the usual authorities, a user without rights, and nothing else: no shell.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/gateway /usr/local/bin/gateway
# Probes and collectors of metrics come from outside of the container, where the default, loopback, cannot be reached.
ENV FLOWGATE_LISTEN_ADMIN=:8081
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/gateway"]
CMD ["serve", "--config", "/etc/flowgate/gateway.yaml"]
