#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
test_cores.py NM ARCHIVE…: what the simulator runs calls no socket, clock, file or source of randomness.

The loops, ports and clocks beside it do; that they are seen to is the negative control.
"""
import os
import re
import subprocess
import sys

# sources that are the outside of a service, each by its archive
OUTSIDE = {
    "avow_ledger": {"main.c.o", "loop.c.o"},
    "avow_ingest": {"main.c.o", "loop.c.o"},
    "avow_query": {"main.c.o", "loop.c.o"},
    "avow_shared": {"port.c.o", "client.c.o", "clock.c.o", "service.c.o", "endpoint.c.o",
                    "probe.c.o"},
    "avow_store": {"lm.c.o", "lm_check.c.o", "lm_guard.c.o", "lm_page.c.o", "lm_reach.c.o",
                   "lm_rows.c.o", "dir.c.o", "resident.c.o"},
    "avow_fold": set(),
}
FORBIDDEN = re.compile(
    r"zmq_|mdb_|port_|clock_|(time|gettimeofday|nanosleep|usleep|sleep|getenv|secure_getenv|rand|random"
    r"|getrandom|randombytes\w*|socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|poll"
    r"|epoll\w+|select|open(at)?(64)?|creat|fopen|read|write|pread(64)?|pwrite(64)?|fsync|fdatasync"
    r"|mmap|fork|pthread_create|signal|sigaction)$")


def calls(nm, archive):
    """For each member of the archive the functions that it calls and does not hold."""
    text = subprocess.run([nm, "-u", archive], capture_output=True, text=True, check=True).stdout
    members, member = {}, None
    for line in text.splitlines():
        if line.endswith(".o:"):
            member = members.setdefault(line[:-1], set())
        elif line.strip():
            member.add(line.split()[-1].split("@")[0])
    return members


def main():
    nm, archives = sys.argv[1], sys.argv[2:]
    looked_at, outside, wrong = 0, set(), 0
    for archive in archives:
        name = os.path.basename(archive)[len("lib"):-len(".a")]
        for member, symbols in calls(nm, archive).items():
            found = sorted(s for s in symbols if FORBIDDEN.match(s))
            if member in OUTSIDE[name]:
                outside.update(found)
                continue
            looked_at += 1
            if found:
                wrong += 1
                print("%s of %s calls %s" % (member, name, ", ".join(found)))
    print("%d sources of cores looked at, %d call the outside" % (looked_at, wrong))
    if not {"zmq_send", "mdb_txn_commit", "clock_gettime", "port_send"} <= outside:
        print("negative control: what the loops, ports and clocks call is not seen")
        return 1
    return 1 if wrong or looked_at < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
