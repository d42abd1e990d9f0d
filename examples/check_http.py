#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_http.py PROGRAM EXPECTED: asks the example service a few things; the answers, status and
body, must be exactly those."""
import difflib
import os
import signal
import socket
import subprocess
import sys
import tempfile

ASKED = {
    "06_http_service": [
        "POST /match?query=kinshasa",
        "POST /match?query=%20REYKJAVIK+",
        "POST /match?query=elsewhere",
        "POST /match",
        "GET /match?query=kinshasa",
    ],
    "16_typed_service": [
        'PUT /v1/items/7 {"name":"Sencha"}',
        'PUT /v1/items/7 {"name":"Earl Grey","colour":"black","price":3}',
        'PUT /v1/items/0?loud=perhaps {"name":"","colour":"red","price":-1,"taste":"fine"}',
        'PUT /v1/items/7?loud=true {"name":"Sencha"}',
        'PUT /v1/items/7 {"name":',
        "GET /v1/items/7",
        "GET /openapi.json",
    ],
    "25_match_service": [
        "POST /match?query=LISBON",
        "POST /match?query=atlantis",
        "POST /match",
        'POST /batch ["porto","","BERLIN"]',
        "POST /batch []",
        'POST /batch ["porto",7]',
    ],
}


def ask(path, line):
    method, target, *body = line.split(" ", 2)
    body = "".join(body)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(f"{method} {target} HTTP/1.1\r\nHost: example\r\nConnection: close\r\n"
                       f"Authorization: me\r\nContent-Length: {len(body)}\r\n"
                       f"X-Request-Id: lesson\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ", 2)[1].decode() + " " + body.decode()


def main():
    program, expected = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "service")
        service = subprocess.Popen([program, "unix:" + path], stderr=subprocess.PIPE,
                                   env={**os.environ, "WEFT_DEBUG": "1"})
        try:
            if not service.stderr.readline().startswith(b"serving at unix:"):
                sys.exit("the service did not start")
            asked = ASKED[os.path.basename(program)]
            seen = [f"{line}\n{ask(path, line)}\n" for line in asked]
        finally:
            service.send_signal(signal.SIGTERM)
            said = service.communicate(timeout=30)[1].decode()
            code = service.returncode
    if code != 0:
        sys.exit(f"the service ended with {code}")
    if "debug:" in said:
        sys.exit(said)
    seen = "".join(seen).splitlines(keepends=True)
    with open(expected, encoding="utf-8") as file:
        wanted = file.readlines()
    sys.stdout.writelines(difflib.unified_diff(wanted, seen, "expected", "seen"))
    sys.exit(seen != wanted)


main()
