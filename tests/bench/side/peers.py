# SPDX-License-Identifier: Apache-2.0
"""
The peers, each as its Debian package installs it, in a temporary folder of its own, on ports of
loopback that the system picks; ended by their own process ids.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "figures"))

import avowtest
import postgres

START = 120.0 # seconds


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def disk_bytes(path):
    """What the files below a folder take on the disk."""
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total


def memory_kib(pid):
    """Resident memory of a process that is its own, mapped files apart."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


def children(pid):
    """Processes that it started and that still run."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            found += [int(word) for word in f.read().split()]
    return found


def cpu_seconds(pids):
    """What these processes have used of the processors, with their children, ended ones too."""
    ticks = 0
    for pid in pids:
        for one in [pid, *children(pid)]:
            try:
                with open("/proc/%d/stat" % one) as f:
                    words = f.read().rpartition(")")[2].split()
            except OSError:
                continue # it has ended: its parent has its time
            ticks += sum(int(w) for w in words[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def processes(peer):
    return sum(1 + len(children(pid)) for pid in peer.pids())


OWN_PROCESSES = 4 # that a database begins for itself, whoever is connected


def rest(peer, count):
    """What a load leaves behind is not the burden of who comes next: the processes of its connections, of
    which PostgreSQL has a thousand to end, and pages that are to be written yet. `count`: processes before."""
    avowtest.wait_until(lambda: processes(peer) <= count + OWN_PROCESSES, "its connections are gone", 60)
    os.sync()


class Peer:
    """A server in a folder of its own; runs while the `with` lasts."""
    name = package = None # the program is called as its package

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix=self.name + "-")
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.process = None

    @classmethod
    def there(cls):
        return shutil.which(cls.package) is not None

    @property
    def speaks(self):
        """What its loads are called."""
        return self.name

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        with open(os.path.join(self.dir, "log"), "w") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.dir)
        try:
            avowtest.wait_until(self.answers, "%s answers" % self.name, START, 0.02)
            self.prepare()
        except BaseException:
            self.close()
            raise
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.dir, "log")) as f:
                raise RuntimeError("%s ended: %s" % (self.name, f.read()[-500:]))
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def prepare(self):
        pass

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def talk(self, request, until):
        """Send a request as it stands on the wire; what came, up to and with `until`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=START) as s:
            s.sendall(request)
            got = b""
            while until not in got:
                more = s.recv(4096)
                if not more:
                    raise RuntimeError("%s said: %r" % (self.name, got))
                got += more
            return got

    def disk(self):
        return disk_bytes(self.dir)

    def pids(self):
        return [self.process.pid]


class Redis(Peer):
    """Each XADD is answered after the sync of the event loop's turn that it came in."""
    name, package = "redis", "redis-server"
    promise = "appendfsync always: an answer after fdatasync; keeps no ids"

    def command(self):
        # no snapshots and no rewriting of the log beside the work: both only cost it time
        return [self.package, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir,
                "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                "--auto-aof-rewrite-percentage", "0", "--maxclients", "10000", "--daemonize", "no"]


class Nats(Peer):
    name, package = "nats", "nats-server"
    promise = "JetStream R1, file storage: an answer BEFORE any sync; keeps no ids"

    def command(self):
        return [self.package, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.dir]

    def prepare(self):
        stream = (b'{"name":"EVENTS","subjects":["events"],"storage":"file",'
                  b'"retention":"limits","num_replicas":1}')
        got = self.talk(b"CONNECT {\"verbose\":false}\r\nSUB answer 1\r\n"
                        b"PUB $JS.API.STREAM.CREATE.EVENTS answer %d\r\n%s\r\n" % (
                            len(stream), stream), b"created")
        if b'"error"' in got:
            raise RuntimeError("nats: %r" % got)


TABLE = """
CREATE TABLE event (seq bigserial PRIMARY KEY, id uuid NOT NULL UNIQUE, deal text NOT NULL,
    payer text, stated date NOT NULL, amount bigint, body bytea NOT NULL);
CREATE INDEX ON event (deal, stated);
"""


class Postgres(postgres.Postgres):
    package = "postgresql-15"
    speaks = name = "postgres"
    promise = "synchronous_commit on: a transaction for each request, COPY for a batch; ids unique, " \
              "indexes on seq, id, (deal, stated)"

    def __init__(self):
        super().__init__(fsync="on", synchronous_commit="on", max_connections=1100)
        # its unix socket, the quicker way to it
        self.address = os.path.join(self.dir, ".s.PGSQL.5432")

    there = staticmethod(postgres.there)

    def make(self):
        """The first one's data serves all that come later: making them takes seconds."""
        made = os.path.join(os.path.dirname(self.dir), "made-postgres")
        if not os.path.exists(made):
            super().make()
            subprocess.run(["cp", "-a", self.data, made], check=True)
        else:
            subprocess.run(["cp", "-a", made, self.data], check=True)

    def __enter__(self):
        super().__enter__()
        try:
            self.sql("-c", TABLE)
        except BaseException:
            self.close()
            raise
        return self

    def disk(self):
        return disk_bytes(self.data)

    def pids(self):
        with open(os.path.join(self.data, "postmaster.pid")) as f:
            return [int(f.readline())]

    def settled(self):
        """As a database is that has had time."""
        self.sql("-c", "VACUUM (ANALYZE) event")


class Avow(avowtest.Avow):
    speaks = name = "avow"
    promise = "an answer after fdatasync; ids unique for ever, every event checked, numbered and hashed"

    def __init__(self, *services):
        super().__init__(*(services or ("ledger", "ingest", "query")), tcp="any")

    def at(self, name):
        return self.endpoint(name, "tcp").removeprefix("tcp://")

    @property
    def address(self):
        return self.at("ingest")

    def counters(self, service):
        return {c["name"]: c["value"] for c in self.ask(service, "status")["counters"]}

    def head(self, service):
        return self.ask(service, "status")["head"]

    def await_query(self, head, timeout=3600.0):
        avowtest.wait_until(lambda: self.head("query") >= head, "query holds all", timeout, 0.05)

    def await_reach(self, timeout=600.0):
        """Query brings no more into reach: it has come to rest."""
        seen = []

        def rests():
            seen.append(self.counters("query")["in_reach_bytes"])
            return len(seen) > 2 and seen[-1] == seen[-3]
        avowtest.wait_until(rests, "query has come to rest", timeout, 0.2)

    def data(self, service):
        """The file that its store is."""
        return os.path.join(self.dir, service, "data.mdb")

    def sizes(self):
        """Bytes on disk: the ledger's log; the replica's own log; its indexes and the rest."""
        log = disk_bytes(os.path.join(self.dir, "ledger"))
        replica = disk_bytes(os.path.join(self.dir, "query"))
        copy = self.counters("query")["log_bytes"]
        return {"log": log, "replica": copy, "index": replica - copy}

    def disk(self):
        return disk_bytes(self.dir)

    def pids(self):
        return [p.pid for p in self.processes.values()]


class Followed(Avow):
    """One process as `avow up` starts it: a query service follows and indexes what is published."""
    name = "avow, query follows"

    def __init__(self):
        super().__init__("up")


class Writers(Avow):
    """What acknowledges, and nothing else, in one process: the other peers have no readers either."""

    def __init__(self):
        super().__init__("up")
        self.flags = ["--no-query"]

    def wait_ready(self, name):
        for service in ("ledger", "ingest"):
            self.processes[name].wait_line(r"\b%s ready\b" % service)


class Apart(Avow):
    """The same with a process for each service."""
    name = "avow, two processes"

    def __init__(self):
        super().__init__("ledger", "ingest")


class Bare:
    """What ZeroMQ can do at all: an echo, or, with a folder, a service that keeps what it is given in
    LMDB, hashed, and looks at none of it; ends with its stdin."""

    def __init__(self, programs, folder=None, row_bytes=0):
        args = ["keep", folder, str(row_bytes)] if folder else ["echo"]
        self.process = subprocess.Popen([os.path.join(programs, "side_zeromq"), *args], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.address = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
