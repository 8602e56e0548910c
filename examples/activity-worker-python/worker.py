"""Runs the activity importRows for the task queue in the first argument, with the standard library. See README.md."""

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

API = f"{os.environ['FLOWGATE_URL']}/v1/namespaces/default"
HEADERS = {"Authorization": f"Bearer {os.environ['FLOWGATE_KEY']}", "Content-Type": "application/json"}

stopping = False


def stop(*_):
    global stopping
    stopping = True


def call(path: str, body: dict) -> tuple[int, dict]:
    """Sends a request until there is a response that does not ask for a retry. Returns its status and body."""
    request = urllib.request.Request(f"{API}/{path}", json.dumps(body).encode(), HEADERS)
    while True:
        after = None
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read() or "{}")
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                return error.code, json.loads(error.read())
            after = error.headers["Retry-After"]
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the connection was lost: send the same request again
        time.sleep(int(after or 1))


def import_rows(task: dict) -> None:
    """Imports a file row by row, from the row that the previous attempt has reported."""
    token = {"taskToken": task["taskToken"]}
    try:
        file, rows = task["args"]
    except (KeyError, ValueError):
        failure = {"message": "the arguments must be a file and a number of rows", "type": "BadArguments", "nonRetryable": True}
        call("activities:fail", token | {"failure": failure})
        return
    [row] = task.get("heartbeatDetails", [0])
    print(f"{file}: attempt {task['attempt']} from row {row}", flush=True)
    while row < rows:
        time.sleep(0.1)  # the import of one row
        row += 1
        status, state = call("activities:heartbeat", token | {"details": [row]})
        if state.get("cancelRequested"):
            call("activities:reportCancellation", token | {"details": [row]})
            print(f"{file}: cancelled", flush=True)
            return
        if status != 200:
            print(f"{file}: stopped by {status}", flush=True)
            return
    status, _ = call("activities:complete", token | {"result": {"rows": row, "worker": "python"}})
    print(f"{file}: complete with {status}", flush=True)


def main(queue: str) -> None:
    signal.signal(signal.SIGTERM, stop)  # a poll and its task end before the worker stops
    while not stopping:
        status, body = call(f"task-queues/{queue}/activities:poll?wait=20s", {"identitySuffix": f"python-{os.getpid()}"})
        if status == 200:
            import_rows(body)
        elif status != 204:
            sys.exit(json.dumps(body))


main(sys.argv[1])
