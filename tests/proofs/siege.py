# SPDX-License-Identifier: Apache-2.0
"""
The three services, and everybody who uses them, for a proof that does them harm meanwhile; in the end all
that anybody was told is compared with the log.
"""
import time

import zmq

import history
import load
import proof
import wire
import world

SERVICES = ("ledger", "ingest", "query")


class Siege:
    """
    Two publishers, seven watchers, and one who reads what he has just written. `planted` has, for the
    names of services, what is preloaded into them and with which environment; `pause_s` is how long
    publishers rest between what they do, `reader_pause_s` the reader.
    """

    def __init__(self, p, directory, pause_s, planted=None, reader_pause_s=0.0):
        self.p = p
        self.services = {name: world.Service(name, directory, *(planted or {}).get(name, ()))
                         for name in SERVICES}
        for service in self.services.values():
            p.check(service.start(), "%s does not start: %s", service.name, service.said())
        ingest, query = (self.services[n].endpoint for n in ("ingest", "query"))
        seed = p.random.randrange(1 << 32)
        self.publishers = [load.Publisher(directory, "publisher%d" % i, seed + i, ingest,
                                          pause_s=pause_s)
                           for i in range(2)]
        self.watchers = load.Watchers(directory, "watchers", seed + 10, query, 7)
        self.reader = load.OwnReader(directory, "reader", seed + 11, ingest, query,
                                      pause_s=reader_pause_s)
        self.roles = [*self.publishers, self.watchers, self.reader]
        for role in self.roles:
            role.start()

    def kill_one(self, service, life_s):
        """At any moment of the next `life_s` of its life, its next start included."""
        random = self.p.random
        time.sleep(random.random() * life_s)
        self.p.check(service.alive(), "%s has ended by itself: %s", service.name, service.said())
        service.kill()
        while random.random() < 0.2:
            service.launch()
            time.sleep(random.random() * 0.03)
            service.kill()
            self.p.count("kills_during_start")
        self.p.check(service.start(), "%s does not start again: %s", service.name, service.said())

    def goes_on(self):
        """Nobody has ended by himself."""
        for role in self.roles:
            if role.failed():
                role.result()
                raise proof.Broken("%s ended by itself" % role.name)

    def told(self):
        """How far everybody is, in words."""
        return "%d events acknowledged, %d delivered, %d read at once" % (
            sum(r.progress.value for r in self.publishers), self.watchers.progress.value,
            self.reader.progress.value)

    def finish(self):
        """End the load, then check everything that anybody was told: log, epoch, publishes, watched."""
        p, publishes = self.p, self.reader.result()
        p.count("p7_pairs", len(publishes))
        for publisher in self.publishers:
            publisher.tell()
        for publisher in self.publishers:
            own, counts = publisher.result()
            publishes += own
            for name, number in counts.items():
                p.count(name, number)
        for service in ("ledger", "query"): # what is only in memory does not count
            self.services[service].kill()
            p.check(self.services[service].start(), "%s does not start", service)
        context = zmq.Context()
        asker = wire.Asker(context, self.services["ledger"].endpoint)
        entries, epoch = wire.read_all(asker)
        query = wire.Asker(context, self.services["query"].endpoint)
        self.insist_on_head(query, len(entries))
        replica, _ = wire.read_all(query)
        p.check(replica == entries, "the replica is not the log")
        self.watchers.tell_head(len(entries))
        watched, retries = self.watchers.result()
        asker.close()
        query.close()
        for service in self.services.values():
            service.stop()
        p.count("events", len(entries))
        p.count("publishes", len(publishes))
        p.count("publishes_sent", sum(x.sends for x in publishes))
        p.count("receipts_compared", sum(x.receipts_seen for x in publishes))
        p.count("batches", sum(len(x.idents) > 1 for x in publishes))
        p.count("delivered_to_watchers", sum(len(got) for _, _, got, _ in watched))
        p.count("reads_repeated", retries)
        check(entries, epoch, publishes, watched)
        p.say("%d events, all checks hold", len(entries))
        return entries, epoch, publishes, watched

    def insist_on_head(self, query, head):
        patience = proof.Patience(world.PATIENCE_S, 2.0)
        while patience.step():
            try:
                if query.ask("hello", 1.0)["head"] >= head:
                    return
            except (wire.NoAnswer, wire.Refused):
                continue
        raise proof.Broken("the replica does not come to %d" % head)


def check(entries, epoch, publishes, watched):
    seen = history.check_log(entries, epoch)
    history.check_publishes(entries, seen, publishes)
    for start, wanted, got, position in watched:
        history.check_watcher(entries, start, wanted, got, position)
