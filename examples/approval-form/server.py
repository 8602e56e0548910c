"""Shows approvals as web forms, with the standard library. See README.md.

The first argument is the task queue of the approvals, the second the address of the forms, such as 127.0.0.1:8090.
"""

import base64
import hashlib
import hmac
import html
import http.client
import http.server
import json
import os
import secrets
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

API = f"{os.environ['FLOWGATE_URL']}/v1/namespaces/default"
HEADERS = {"Authorization": f"Bearer {os.environ['FLOWGATE_KEY']}", "Content-Type": "application/json"}
# Links stay valid after a restart only if the secret stays the same.
SECRET = os.environ.get("FORM_SECRET", secrets.token_hex(32)).encode()

FORM = """<h1>{item}</h1><p>{amount}</p>
<form method="post"><label>Your name <input name="by" required></label>
<button name="decision" value="approve">Approve</button> <button name="decision" value="reject">Reject</button></form>"""


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


def sign(task: str) -> str:
    return hmac.new(SECRET, task.encode(), hashlib.sha256).hexdigest()


def send_links(queue: str, address: str) -> None:
    """Polls for approvals and prints a link to the form of each. The link contains all that the form needs."""
    while True:
        status, task = call(f"task-queues/{queue}/activities:poll?wait=20s", {"identitySuffix": "approval-form"})
        if status == 200:
            content = json.dumps({"taskToken": task["taskToken"], **task["args"][0]}).encode()
            encoded = base64.urlsafe_b64encode(content).decode()
            print(f"http://{address}/?{urllib.parse.urlencode({'task': encoded, 'signature': sign(encoded)})}", flush=True)
        elif status != 204:
            print(json.dumps(task), file=sys.stderr, flush=True)
            os._exit(1)


class Handler(http.server.BaseHTTPRequestHandler):
    def task(self) -> dict | None:
        """Returns the approval of the link. Without the signature, a caller could complete any activity."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        task = query.get("task", "")
        if not hmac.compare_digest(sign(task).encode(), query.get("signature", "").encode()):
            return None
        return json.loads(base64.urlsafe_b64decode(task))

    def do_GET(self) -> None:
        task = self.task()
        if task is None:
            return self.page(404, "<p>This link is not valid.</p>")
        self.page(200, FORM.format(item=html.escape(task["item"]), amount=html.escape(f"{task['amount'] / 100:.2f}")))

    def do_POST(self) -> None:
        task = self.task()
        if task is None:
            return self.page(404, "<p>This link is not valid.</p>")
        length = min(int(self.headers.get("Content-Length", 0)), 10_000)
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        if not form.get("by") or form.get("decision") not in ("approve", "reject"):
            return self.page(400, "<p>Your name and your decision, please.</p>")
        decision = {"approved": form["decision"] == "approve", "by": form["by"]}
        status, problem = call("activities:complete", {"taskToken": task["taskToken"], "result": decision})
        if status == 204:
            self.page(200, "<p>Thank you.</p>")
        elif status in (404, 409):
            self.page(409, "<p>This has been decided already.</p>")
        else:
            print(json.dumps(problem), file=sys.stderr, flush=True)
            self.page(502, "<p>Your decision could not be stored.</p>")

    def page(self, status: int, content: str) -> None:
        body = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Approval</title>{content}</html>\n'.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass  # the path contains the link


def main(queue: str, address: str) -> None:
    host, port = address.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=send_links, args=(queue, address), daemon=True).start()
    server.serve_forever()


main(sys.argv[1], sys.argv[2])
