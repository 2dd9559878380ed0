# SPDX-License-Identifier: Apache-2.0
"""Services as processes: started, waited for, killed; each ended by its own pid."""
import os
import select
import signal
import struct
import subprocess
import time

import zmq

import proof
import wire


# for what should be done soon, also where much else is to be done
PATIENCE_S = 60.0
YEAR_S = 31556952
started = [] # every service of this run, so that none outlives it


class Service:
    """One `avow NAME --dir DIR`; `preload` and `env` are for what is planted into it."""

    def __init__(self, name, directory, preload=(), env=None, options=(), avow=None):
        self.name, self.dir = name, directory
        ipc_only = () if name == "ledger" else ("--tcp", "off")
        self.argv = [avow or proof.built("avow"), name, "--dir", directory, *ipc_only, *options]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AVOW_")}
        self.env.update(env or {})
        if preload:
            self.env["LD_PRELOAD"] = ":".join(preload)
        self.process, self.starts, self.words = None, 0, ""
        started.append(self)
        self.log = os.path.join(directory, name + ".stderr")

    @property
    def endpoint(self):
        return "ipc://%s/run/%s.sock" % (self.dir, self.name)

    def launch(self):
        """Start it, and do not wait."""
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self.at = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as err:
            self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=err)
        self.starts += 1

    def said(self):
        """What it wrote to stderr since its last start."""
        with open(self.log, "rb") as err:
            err.seek(self.at)
            return err.read().decode(errors="replace")

    def start(self, timeout_s=PATIENCE_S):
        """Start it and wait until it says that it is ready; False where it ended instead."""
        self.launch()
        return self.ready(timeout_s)

    def ready(self, timeout_s=PATIENCE_S):
        patience = proof.Patience(timeout_s)
        while patience.step():
            if " ready on " in self.said():
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.002)
        raise proof.Broken("%s is not ready within %g s: %s" % (self.name, timeout_s, self.said()))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL, as if nothing could be finished."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def wait(self, timeout_s):
        """Until it has ended, without looking again and again; whether it has."""
        if self.alive():
            fd = os.pidfd_open(self.process.pid)
            end, patience = select.poll(), proof.Patience(timeout_s)
            end.register(fd, select.POLLIN)
            while (step := patience.step()) and not end.poll(step * 1000):
                pass
            os.close(fd)
        return not self.alive()

    def stop(self, timeout_s=PATIENCE_S):
        """SIGTERM; the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        if not self.wait(timeout_s):
            self.kill()
            raise proof.Broken("%s does not stop within %g s" % (self.name, timeout_s))
        return self.process.returncode


class Clock:
    """The seconds that are added to the clock of one service, which has `proof_clocks` preloaded."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, seconds):
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(fd, struct.pack("q", seconds), 0)
        os.close(fd)


def await_ledger(services):
    """
    Until those of them that stand before the ledger have met it: where that takes long, they say
    before that they are ready.
    """
    context, end = zmq.Context(), time.monotonic() + PATIENCE_S
    for service in services.values():
        asker = wire.Asker(context, service.endpoint)
        while service.name != "ledger" and not asker.ask("status", PATIENCE_S)["upstream_ok"]:
            if time.monotonic() > end:
                raise proof.Broken("%s does not meet its ledger" % service.name)
            time.sleep(0.01)
        asker.close()
    context.term()


def end_all():
    """Kill what this run has started and not yet ended."""
    for service in started:
        service.kill()
