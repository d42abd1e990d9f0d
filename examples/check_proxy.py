#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_proxy.py PROGRAM EXPECTED: puts the example proxy in front of a small server and asks through
it; what both sides see must be exactly that."""
import difflib
import gzip
import http.server
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ASKED = [
    ("GET /a%20b?c=d", ""),
    ("GET /" + "a" * 8178, ""),  # as long a line as the proxy takes
    ("POST /echo", "tea" * 30000),
    ("POST /echo gzip", "".join(map(str, range(20000)))),
    ("POST /echo gzip", "bomb" * 30000),
    ("GET /gone", ""),
    ("GET /short", ""),
    ("BREW /a", ""),
]


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        target = self.path if len(self.path) < 80 else f"{len(self.path)} bytes"
        body = f"{target} for {self.headers['X-Request-Id']}, "
        body += f"same trace {self.headers['traceparent'][:35] == PARENT[:35]}, "
        body += f"own span {self.headers['traceparent'][36:52] != PARENT[36:52]}\n"
        self.send_response(410 if self.path == "/gone" else 200)
        self.send_header("X-Behind", "yes")
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = self.path == "/short"

    def read_chunks(self):
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_POST(self):
        is_chunked = self.headers["Transfer-Encoding"] == "chunked"
        size = sum(map(len, self.read_chunks())) if is_chunked else \
            len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(str(size))))
        self.end_headers()
        self.wfile.write(str(size).encode())

    def log_message(self, *_):
        pass


def ask(path, line, body):
    target, _, coding = line.partition(" ")[2].partition(" ")
    sent = gzip.compress(body.encode()) if coding else body.encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(f"{line.split(' ')[0]} {target} HTTP/1.1\r\nHost: example\r\n"
                       f"Connection: close\r\nContent-Encoding: {coding or 'identity'}\r\n"
                       f"X-Request-Id: lesson\r\ntraceparent: {PARENT}\r\n"
                       f"Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, text = answer.decode().partition("\r\n\r\n")
    if f"Content-Length: {len(text)}" not in head.split("\r\n"):
        return f"{line}: cut off\n"
    behind = "X-Behind: yes" in head or "x-behind: yes" in head
    line = line if len(line) < 80 else f"GET of {len(line)} bytes"
    return f"{line}: {head.split(' ', 2)[1]}, from behind {behind}: {text.strip()}\n"


def main():
    program, expected = sys.argv[1:]
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    backend.handle_error = lambda *_: None  # the proxy cuts off what it does not pass on
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "proxy")
        proxy = subprocess.Popen([program, "unix:" + path, f"http://127.0.0.1:{backend.server_port}"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            if not proxy.stderr.readline().startswith(b"serving at unix:"):
                sys.exit("the proxy did not start")
            seen = [ask(path, *one) for one in ASKED]
        finally:
            proxy.send_signal(signal.SIGTERM)
            out, said = proxy.communicate(timeout=30)
            if proxy.returncode != 0: # also behind an exception: it says why
                print(f"the proxy ended with {proxy.returncode}: {said.decode()}", file=sys.stderr)
    if proxy.returncode != 0:
        sys.exit(1)
    seen.append(f"{len(out.splitlines())} lines in the log\n")
    with open(expected, encoding="utf-8") as file:
        wanted = file.readlines()
    sys.stdout.writelines(difflib.unified_diff(wanted, seen, "expected", "seen"))
    sys.exit(seen != wanted)


main()
