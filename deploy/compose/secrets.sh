#!/bin/sh
# Creates the passwords and the key of page tokens at the first start. Only the containers that need its files mount a
# volume. Their users differ, so every user of these containers can read a password.
set -eu
cd "${SECRETS:-/secrets}"

# create FILE writes standard input to the file, unless the file exists.
create() {
    if [ ! -e "$1" ]; then
        cat >"$1.new"
        mv "$1.new" "$1"
    fi
}

password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

umask 022
password | create database/password
password | create grafana/password

umask 077
head -c 32 /dev/urandom | create gateway/page-token.key
chown -R 65532:65532 gateway
