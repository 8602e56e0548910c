#!/usr/bin/env bash
# Creates the schedule with the id in the first argument from the file in the second, or changes it if it exists. See
# README.md.
set -euo pipefail
id=$1 file=$2
schedules=$FLOWGATE_URL/v1/namespaces/default/schedules

# call METHOD URL BODY sends a request, and sets status and response. curl repeats it if the gateway cannot be reached
# or asks for a retry. The key is no argument of curl, because other users of the machine can list arguments.
call() {
	local output
	output=$(curl -s --retry 10 --retry-connrefused -X "$1" -w '\n%{http_code}' "$2" -H @- -d "$3" <<-END
		Authorization: Bearer $FLOWGATE_KEY
		Content-Type: application/json
	END
	)
	status=${output##*$'\n'} response=${output%$'\n'*}
}

call POST "$schedules" "{\"scheduleId\": \"$id\", \"schedule\": $(cat "$file")}"
if [ "$status" = 201 ]; then
	echo "created $id"
	exit
fi
if [ "$status" = 409 ]; then
	# PATCH changes only what the file contains. A schedule that somebody has paused stays paused.
	call PATCH "$schedules/$id" "{\"schedule\": $(cat "$file")}"
fi
if [ "$status" != 200 ]; then
	echo "$response" >&2
	exit 1
fi
echo "changed $id"
