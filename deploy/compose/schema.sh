#!/bin/sh
# Creates the databases of Temporal and brings their tables up to date. It changes nothing that is up to date.
set -eu
SQL_PASSWORD="$(cat "${SECRETS:-/secrets}/password")"
export SQL_PASSWORD

for database in temporal temporal_visibility; do
    temporal-sql-tool --database "$database" create
    temporal-sql-tool --database "$database" setup-schema --version 0.0
    temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/${database#temporal_}"
done
