# SPDX-License-Identifier: Apache-2.0
"""
What every test of processes needs: services in a directory of their own, clients that know nothing
but the protocol, events, and waiting for a condition.

    with avowtest.Avow() as avow:                      # everything in one process
        receipt = avow.publish(avowtest.event(deal="a-b-2025"))
        entry = avow.ask("query", "get", seq=1, min_seq=1)["entry"]

    with avowtest.Avow("ledger", "ingest", "query") as avow:   # a process each
        avow.kill("ledger"); avow.start("ledger")

The program under test is $AVOW, or the one that was built last.
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import msgpack
import zmq

SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|: runtime error: ")
TIMEOUT = 60.0 # seconds; for anything that should happen soon, also on a machine with much to do
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def program():
    """The built `avow`."""
    if "AVOW" in os.environ:
        return os.environ["AVOW"]
    built = glob.glob(os.path.join(ROOT, "build", "*", "tools", "avow"))
    if not built:
        raise RuntimeError("build first: tools/build dev")
    return max(built, key=os.path.getmtime)


def wait_until(condition, what, timeout=TIMEOUT, step=0.01):
    """The first true value of condition(), asked again and again; an error after the time."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (timeout, what))
        time.sleep(step)


def new_id():
    """16 bytes: a UUID of version 7."""
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + uuid.uuid4().bytes[6:])
    raw[6] = 0x70 | raw[6] & 0x0f
    return bytes(raw)


def fields(**given):
    """The fields of a statement that passes every check, changed as given; None takes one away."""
    f = {
        "id": new_id(), "kind": "talks", "deal": "softbank-openai-2025", "from": ["softbank"],
        "to": ["openai"], "stated": "2025-01-30", "grade": "press",
        "source": {"publisher": "The Example", "url": "https://example.org/1"},
        "amount": {"low": 1500000000000, "high": 2500000000000, "currency": "USD"},
    }
    if given.get("kind", "talks") in ("party", "deal", "rate", "retract"):
        for name in ("from", "to", "amount", "grade", "deal"):
            del f[name]
    f.update({k.rstrip("_"): v for k, v in given.items()})
    return {k: v for k, v in f.items() if v is not None}


def event(**given):
    """The same as bytes. Python's keywords take a hyphen below: event(from_=["softbank"])."""
    return msgpack.packb(fields(**given))


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


class Refused(Exception):
    """An `error` message; its fields are attributes, None where absent."""

    def __init__(self, message):
        super().__init__("%s: %s" % (message["name"], message))
        self.message = message

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.message.get(name)


class Silence(Exception):
    """No answer in time."""


class Client:
    """A DEALER socket to one endpoint."""

    def __init__(self, endpoint, context=None):
        self.context = context or zmq.Context.instance()
        self.endpoint = endpoint
        self.rid = 0
        self.early = {} # answers that came before they were asked for, by rid
        self.connect()

    def connect(self):
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.connect(self.endpoint)

    def close(self):
        self.socket.close(0)

    def send(self, type, ttl_ms=None, **message):
        """Send a request; returns its rid."""
        self.rid += 1
        head = {"v": 1, "type": type, "rid": self.rid}
        if ttl_ms is not None:
            head["ttl_ms"] = ttl_ms
        self.socket.send(msgpack.packb({**head, **{k.rstrip("_"): v for k, v in message.items()}}))
        return self.rid

    def send_raw(self, *frames):
        self.socket.send_multipart(list(frames))

    def receive(self, timeout=TIMEOUT):
        """The next message, whatever it is."""
        if not self.socket.poll(int(timeout * 1000)):
            raise Silence("no answer from %s within %g s" % (self.endpoint, timeout))
        return unpack(self.socket.recv())

    def answer(self, rid, timeout=TIMEOUT):
        """The answer to a request; Refused where it is an `error`."""
        end = time.monotonic() + timeout
        while rid not in self.early:
            m = self.receive(max(0.0, end - time.monotonic()))
            self.early[m.get("rid", 0)] = m
        m = self.early.pop(rid)
        if m["type"] == "error":
            raise Refused(m)
        return m

    def ask(self, type, timeout=TIMEOUT, **message):
        """Ask and wait; a service takes as long as we do, where no `ttl_ms` is given."""
        message.setdefault("ttl_ms", int(timeout * 1000))
        return self.answer(self.send(type, **message), timeout)

    def publish(self, *events, **message):
        return self.ask("publish", events=list(events), **message)


class Tape:
    """A subscription."""

    def __init__(self, endpoint, context=None):
        self.socket = (context or zmq.Context.instance()).socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.subscribe(b"avow")
        self.socket.connect(endpoint)

    def receive(self, timeout=TIMEOUT):
        if not self.socket.poll(int(timeout * 1000)):
            raise Silence("nothing on the tape within %g s" % timeout)
        topic, data = self.socket.recv_multipart()
        assert topic == b"avow"
        return unpack(data)

    def close(self):
        self.socket.close(0)


class Process:
    """One running `avow` whose stderr is read as it comes."""

    def __init__(self, args, env):
        self.args = args
        self.lines = []
        self.changed = threading.Condition()
        self.popen = subprocess.Popen([program(), *args], env=env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                      errors="replace")
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.popen.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    def stderr(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait_line(self, pattern, timeout=TIMEOUT):
        """Wait for a line of stderr; an error where the process ends without it."""
        found = re.compile(pattern)
        with self.changed:
            ok = self.changed.wait_for(lambda: any(found.search(l) for l in self.lines)
                                       or not self.thread.is_alive()
                                       or self.popen.poll() is not None, timeout)
        self.thread.join(0.5 if self.popen.poll() is not None else 0)
        if not ok or not any(found.search(l) for l in self.lines):
            raise AssertionError("avow %s: no line /%s/, but:\n%s" % (
                " ".join(self.args), pattern, self.stderr()))

    def end(self, sig=signal.SIGTERM, timeout=TIMEOUT):
        """Signal it, wait, and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(sig)
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError("avow %s did not end:\n%s" % (" ".join(self.args), self.stderr()))
        self.thread.join(TIMEOUT)
        self.popen.stderr.close()
        if SANITIZER.search(self.stderr()):
            raise AssertionError("avow %s:\n%s" % (" ".join(self.args), self.stderr()))
        return code

    def pause(self):
        """Stop it where it stands: returns when all of its threads do stand still."""
        self.popen.send_signal(signal.SIGSTOP)
        wait_until(lambda: self._states() <= {"T", "t"}, "it stands still")

    def go_on(self):
        self.popen.send_signal(signal.SIGCONT)

    def _states(self):
        found = set()
        for path in glob.glob("/proc/%d/task/*/stat" % self.pid):
            with open(path) as f:
                found.add(f.read().rpartition(")")[2].split()[0])
        return found

    def memory(self):
        """Resident kilobytes that are its own, mapped files apart."""
        with open("/proc/%d/status" % self.pid) as f:
            return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))


class Avow:
    """Services in a directory of their own. Without names: all of them in one process, `up`."""

    def __init__(self, *services, tcp="off", flags=(), env=None):
        self.services = services or ("up",)
        self.tcp = tcp
        self.flags = list(flags)
        self.dir = tempfile.mkdtemp(prefix="avow-")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AVOW_")}
        self.env.update({"AVOW_DIR": self.dir, "AVOW_CONFIG": os.devnull, "LC_ALL": "C.UTF-8",
                         "AVOW_TIMEOUT": "%ds" % TIMEOUT})
        self.env.update(env or {})
        self.processes = {}
        self.clients = {}

    def __enter__(self):
        try:
            for name in self.services:
                self.start(name, wait=False)
            for name in self.services:
                self.wait_ready(name)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stop all, cleanly, so that a sanitizer has its say about leaks at their end."""
        for client in self.clients.values():
            client.close()
        self.clients = {}
        try:
            for name in list(self.processes):
                self.stop(name)
        finally:
            for name in list(self.processes):
                self.kill(name)
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, *flags, wait=True):
        tcp = [] if name == "ledger" else ["--tcp", self.tcp]
        self.processes[name] = Process([name, *tcp, *self.flags, *flags], self.env)
        if wait:
            self.wait_ready(name)
        return self.processes[name]

    def wait_ready(self, name):
        """Until it says so, and has reached the ledger where there is one: it may be ready before."""
        services = ("ledger", "ingest", "query") if name == "up" else (name,)
        for service in services:
            self.processes[name].wait_line(r"\b%s ready\b" % service)
        for service in services:
            if service != "ledger" and {"ledger", "up"} & set(self.processes):
                self.wait_met(service)

    def wait_met(self, service):
        client = self.client(service)
        wait_until(lambda: client.ask("status").get("upstream_ok"),
                   "%s reaches the ledger" % service)
        client.close()

    def stop(self, name, sig=signal.SIGTERM):
        """End it cleanly; returns the exit code."""
        return self.processes.pop(name).end(sig)

    def kill(self, name):
        self.processes.pop(name).end(signal.SIGKILL)

    def endpoint(self, name, scheme="ipc"):
        """Where a service (or the tape) listens."""
        service, word = ("query", "tape") if name == "tape" else (name, "listen")
        with open(os.path.join(self.dir, "run", service + ".endpoints")) as f:
            for line in f:
                if line.startswith("%s %s://" % (word, scheme)):
                    return line.split()[1]
        raise AssertionError("%s listens on no %s endpoint" % (name, scheme))

    def client(self, name, scheme="ipc"):
        """A new client; the caller closes it."""
        return Client(self.endpoint(name, scheme))

    def tape(self, scheme="ipc"):
        return Tape(self.endpoint("tape", scheme))

    def ask(self, service, type, **message):
        """Ask through a client that is kept."""
        if service not in self.clients:
            self.clients[service] = self.client(service)
        return self.clients[service].ask(type, **message)

    def publish(self, *events, **message):
        return self.ask("ingest", "publish", events=list(events), **message)

    def read_all(self, **message):
        """Every event from the first to the query service's head."""
        entries, after = [], 0
        while True:
            m = self.ask("query", "read", after=after, **message)
            entries += m["events"]
            after = m["scanned_to"]
            if after >= m["head"]:
                return entries

    def cli(self, *args, input=None, timeout=300, check=None, env=None):
        """Run a command of the tools; `check` is the exit code that it must have."""
        done = subprocess.run([program(), *args], env={**self.env, **(env or {})}, input=input,
                              capture_output=True, text=True, timeout=timeout)
        if check is not None and done.returncode != check:
            raise AssertionError("avow %s: exit %d, not %d\n%s%s" % (
                " ".join(args), done.returncode, check, done.stdout, done.stderr))
        return done
