# SPDX-License-Identifier: Apache-2.0
"""What the services take, as the kernel tells it."""
import os
import threading
import time

MIB = 1 << 20
SAMPLE_S = 0.02


def anonymous(pid):
    """Bytes of anonymous memory, 0 where the process is gone."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as f:
            for line in f:
                if line.startswith("RssAnon"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def descriptors(pid):
    """How many it has open, 0 where the process is gone."""
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return 0


class Watch(threading.Thread):
    """The greatest anonymous memory of each service since it was last asked."""

    def __init__(self, services, each_s=SAMPLE_S):
        super().__init__(daemon=True)
        self.services, self.each_s, self.peak, self.stopping = services, each_s, {}, False

    def run(self):
        while not self.stopping:
            for name, service in self.services.items():
                self.peak[name] = max(self.peak.get(name, 0), anonymous(service.process.pid))
            time.sleep(self.each_s)

    def take(self):
        peak, self.peak = self.peak, {}
        return peak
