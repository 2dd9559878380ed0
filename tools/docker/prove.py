# SPDX-License-Identifier: Apache-2.0
"""
prove [--base IMAGE]: docker-compose.yml with a real engine.

Builds the image, starts ledger, ingest and query in containers of their own, and waits until all are
healthy. Then: the sample deals go in and a deal is shown; a follower reads along from the first event
on; while events are being published, each container in turn is killed with kill -9 and must come back
by itself. At the end the follower and the export must hold each event exactly once, in order.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import engine

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLE = os.path.join(ROOT, "tools/demo/ai-deals.jsonl")
PROJECT = "avow-prove-%d" % os.getpid()
IMAGE = "avow-prove"
SERVICES = ("ledger", "ingest", "query")
EVENTS_A_ROUND = 10000
HEALTHY_S = 90
FOLLOW_S = 60


def compose(*words):
    return ["docker-compose", "-p", PROJECT, "-f", os.path.join(ROOT, "docker-compose.yml"), *words]


def avow(*words):
    return compose("run", "--rm", "-T", "tools", "avow", *words)


def inspect(service, what):
    name = engine.output(*compose("ps", "-q", service)).strip()
    return engine.output("/usr/bin/docker", "inspect", "-f", "{{%s}}" % what, name).strip()


def wait_healthy():
    end = time.monotonic() + HEALTHY_S
    while True:
        states = {s: inspect(s, ".State.Health.Status") for s in SERVICES}
        if set(states.values()) == {"healthy"}:
            return
        if time.monotonic() > end:
            engine.run(*compose("logs", "--tail", "20"))
            raise SystemExit("not healthy in time: %s" % states)
        time.sleep(0.5)


def some_events(count):
    for n in range(count):
        yield {"id": str(uuid.uuid4()), "kind": "announce", "deal": "prove-%d" % (n % 100),
               "from": ["payer-%d" % (n % 7)], "to": ["payee"], "amount": "%dm USD" % (n + 1),
               "stated": "2026-01-02", "grade": "press", "source": {"publisher": "prove"}}


def publish_through(kill):
    """Publish a round of events; half way through, kill one service. Their ids, all acknowledged."""
    lines = [json.dumps(e) + "\n" for e in some_events(EVENTS_A_ROUND)]
    publisher = subprocess.Popen(avow("publish", "-", "--timeout", "60s"), text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    publisher.stdin.writelines(lines[:EVENTS_A_ROUND // 2])
    publisher.stdin.flush()
    before, pid = int(inspect(kill, ".RestartCount")), int(inspect(kill, ".State.Pid"))
    os.kill(pid, signal.SIGKILL)
    publisher.stdin.writelines(lines[EVENTS_A_ROUND // 2:])
    publisher.stdin.close()
    if publisher.wait() != 0:
        raise SystemExit("publish failed while %s was killed" % kill)
    wait_healthy()
    after = int(inspect(kill, ".RestartCount"))
    if after != before + 1:
        raise SystemExit("%s was restarted %d times, not once" % (kill, after - before))
    print("killed %s: it came back, every publish was acknowledged" % kill, flush=True)
    return [json.loads(line)["id"] for line in lines]


def check(name, text, ids):
    """Seqs 1, 2, 3 …, and exactly the ids that were published."""
    rows = [json.loads(line) for line in text.splitlines()]
    if [r["seq"] for r in rows] != list(range(1, len(ids) + 1)):
        raise SystemExit("%s: seqs are not 1 to %d" % (name, len(ids)))
    got = [r["id"] for r in rows]
    if sorted(got) != sorted(ids):
        raise SystemExit("%s: %d ids, of which %d are not those published" % (
            name, len(got), len(set(got) ^ set(ids))))
    print("%s: %d events, each once, in order" % (name, len(rows)), flush=True)


def prove(base):
    print("building the image on %s …" % base, flush=True)
    os.environ.update(DOCKER_BUILDKIT="0", AVOW_IMAGE=IMAGE, BASE=base)
    with tempfile.TemporaryFile("w+") as log:
        if subprocess.run(["/usr/bin/docker", "build", "--network=host", "--build-arg",
                           "BASE=" + base, "-f", ROOT + "/tools/docker/Dockerfile", "-t", IMAGE,
                           ROOT], stdout=log, stderr=log).returncode:
            log.seek(0)
            raise SystemExit("the image does not build:\n" + log.read()[-3000:])
    if subprocess.run(compose("up", "-d", "--no-build")).returncode:
        engine.run(*compose("logs", "--tail", "20"))
        raise SystemExit("the services do not start")
    wait_healthy()
    print("healthy: %s" % ", ".join(SERVICES), flush=True)

    with open(SAMPLE, encoding="utf-8") as sample, tempfile.TemporaryFile("w+") as followed:
        ids = [json.loads(line)["id"] for line in sample]
        total = len(ids) + len(SERVICES) * EVENTS_A_ROUND
        follower = subprocess.Popen(avow("watch", "--after", "0", "--count", str(total), "-o",
                                         "jsonl"), stdout=followed)
        sample.seek(0)
        engine.run(*avow("publish", "-"), stdin=sample, stdout=subprocess.DEVNULL)
        engine.run(*avow("show", "softbank-openai-2025", "--as-of", "2025-01-30", "-o",
                         "table"))
        for service in SERVICES:
            ids += publish_through(service)
        if follower.wait(FOLLOW_S):
            raise SystemExit("the follower gave up")
        followed.seek(0)
        check("follower", followed.read(), ids)
        check("export", engine.output(*avow("export", "-o", "jsonl")), ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="an image of Debian 12; made by debootstrap where not given")
    args = parser.parse_args()
    with engine.Engine():
        try:
            prove(args.base or engine.base_image())
        finally:
            subprocess.run(compose("down", "-v", "--remove-orphans", "-t", "20"))
    print("proved")


if __name__ == "__main__":
    sys.exit(main())
