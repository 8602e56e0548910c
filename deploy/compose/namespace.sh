#!/bin/sh
# Registers the namespace default. Temporal accepts the port before it accepts the call.
set -eu
for attempt in $(seq 60); do
    if temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
        temporal operator namespace create --namespace default --retention 72h; then
        exit 0
    fi
    echo "Temporal is not ready, attempt $attempt"
    sleep 1
done
exit 1
