#!/usr/bin/env bash
# Runs the activity importRows for the task queue in the first argument, with curl. See README.md.
set -euo pipefail
queue=$1
api=$FLOWGATE_URL/v1/namespaces/default

# bash handles the signal when curl ends, so a poll ends before the worker stops.
stopping=
trap 'stopping=1' TERM

# call PATH BODY sends a request until there is a response that does not ask for a retry. It sets status and response.
# The key is no argument of curl, because other users of the machine can list arguments.
call() {
	local output
	while :; do
		output=$(curl -s --max-time 30 -w '\n%{http_code}' "$api/$1" -H @- -d "$2" <<-END
			Authorization: Bearer $FLOWGATE_KEY
			Content-Type: application/json
		END
		) || output=$'\n000'
		status=${output##*$'\n'} response=${output%$'\n'*}
		case $status in 000 | 429 | 502 | 503 | 504) sleep 1 ;; *) break ;; esac
	done
}

# import_rows TASK imports a file row by row, from the row that the previous attempt has reported. Patterns read the
# task, because its values are simple.
import_rows() {
	local task=$1 token file rows row=0 attempt
	[[ $task =~ \"taskToken\":\"([^\"]+)\" ]] && token="\"taskToken\": \"${BASH_REMATCH[1]}\""
	[[ $task =~ \"attempt\":([0-9]+) ]] && attempt=${BASH_REMATCH[1]}
	if ! [[ $task =~ \"args\":\[\"([^\"\\]+)\",([0-9]+)\] ]]; then
		call activities:fail "{$token, \"failure\": {\"message\": \"the arguments must be a file and a number of rows\", \"type\": \"BadArguments\", \"nonRetryable\": true}}"
		return
	fi
	file=${BASH_REMATCH[1]} rows=${BASH_REMATCH[2]}
	if [[ $task =~ \"heartbeatDetails\":\[([0-9]+)\] ]]; then row=${BASH_REMATCH[1]}; fi
	echo "$file: attempt $attempt from row $row"
	while [ "$row" -lt "$rows" ]; do
		sleep 0.1 # the import of one row
		row=$((row + 1))
		call activities:heartbeat "{$token, \"details\": [$row]}"
		if [[ $response == *'"cancelRequested":true'* ]]; then
			call activities:reportCancellation "{$token, \"details\": [$row]}"
			echo "$file: cancelled"
			return
		elif [ "$status" != 200 ]; then
			echo "$file: stopped by $status"
			return
		fi
	done
	call activities:complete "{$token, \"result\": {\"rows\": $row, \"worker\": \"bash\"}}"
	echo "$file: complete with $status"
}

while [ -z "$stopping" ]; do
	call "task-queues/$queue/activities:poll?wait=20s" "{\"identitySuffix\": \"bash-$$\"}"
	case $status in
		200) import_rows "$response" ;;
		204) ;; # no task
		*) echo "$response" >&2 && exit 1 ;;
	esac
done
