"""The real program on a folder of its own, and somebody at the other end of it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

import requests

PASSWORD = "clean-kitchen-2026"
GIVEN = "given-by-the-administrator-1"
START_S = 60
STOP_S = 20


def until(what, seconds, condition):
    """Waits until a condition gives something, at most so long."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def default_program():
    cache = os.environ.get("BRIGHT_KITCHEN_CACHE", os.path.expanduser("~/.cache/bright-kitchen"))
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", f"{cache}/target"), "debug/bright-kitchen")


class Program:
    """`serve` on an empty folder, with `root`, who may everything that sets things up. Cameras and webhooks on this machine only."""

    def __init__(self):
        self.binary = os.environ.get("BRIGHT_KITCHEN_PROGRAM") or default_program()
        self.folder = tempfile.mkdtemp(prefix="bright-kitchen-contract-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.base = f"http://{self.address}"
        self.log_path = os.path.join(self.folder, "log.txt")
        self.environment = {
            **os.environ,
            "BRIGHT_KITCHEN_DATA": os.path.join(self.folder, "data"),
            "BRIGHT_KITCHEN_LOG": "warn",
            "BRIGHT_KITCHEN_CAMERA_NETWORKS": "127.0.0.0/8",
            "BRIGHT_KITCHEN_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "BRIGHT_KITCHEN_PUSH_SERVICES": "push.example",
            "BRIGHT_KITCHEN_CONNECT_TIMEOUT_MS": "1000",
            "BRIGHT_KITCHEN_PROBE_TIMEOUT_MS": "2000",
        }

    def __enter__(self):
        make = ["admin", "create", "--username", "root", "--role", "administrator", "--role", "supervisor", "--password-stdin"]
        subprocess.run([self.binary, *make, "--city", "澄海市", "--district", "明湖区"], input=f"{PASSWORD}\n", text=True, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen([self.binary, "serve", "--listen", self.address], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until("the program is ready", START_S, self.ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"the program ended with {self.child.returncode}:\n{self.log()}")
        try:
            return requests.get(f"{self.base}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-20_000:]

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Client:
    """Somebody who is signed in. A refusal of what must work ends the run."""

    def __init__(self, base, username, password=PASSWORD):
        self.api = f"{base}/api/v1"
        self.username = username
        self.http = requests.Session()
        self.http.trust_env = False
        tokens = self.ok("POST", "/auth/login", json={"username": username, "password": password})
        self.take(tokens)

    def take(self, tokens):
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.http.cookies.clear()

    def call(self, method, path, **what):
        return self.http.request(method, self.api + path, timeout=30, **what)

    def ok(self, method, path, **what):
        answer = self.call(method, path, **what)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer

    def made(self, path, body):
        return self.ok("POST", path, json=body)["id"]
