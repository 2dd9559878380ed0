# SPDX-License-Identifier: Apache-2.0
"""
People by the million: requests that are packed by hand, an account of every one of them, and notes of
a few bytes for each publish, enough to compare every receipt and to check the log against them.

An event is made from its number alone: publisher, publish, place in the batch. Its id begins with the
publish, so that ids come nearly in order, as those of version 7 do; what follows is scrambled.
"""
import array
import collections
import functools
import multiprocessing
import os
import signal
import struct
import time

import msgpack
import zmq

import history
import load
import proof
import wire
import world

RID = struct.Struct(">Q")
PLACE_BITS, PUBLISH_BITS = 14, 32
REST_BITS = 64 - PUBLISH_BITS # publisher and place
MASK, ODD = (1 << REST_BITS) - 1, 0x9E3779B1
BACK = pow(ODD, -1, 1 << REST_BITS)
NOTE_MAX = 32
# a refusal with which surely nothing was written
NOTHING = ("DEADLINE", "BUSY", "UNAVAILABLE", "NO_SPACE")
HURRY_S = 0.3 # after a kill, before what was on its way is asked again
AGAIN_S = 0.02 # before what was refused for now is sent again
SLOW_S = 5 # so long a request may lie before its service on a machine that has too much to do


@functools.cache
def arounds():
    """What stands before and behind the id, for all that is chosen by its bytes 4, 6 and 7."""
    return [history.around(deal, 1 + note, kind) for deal in range(history.DEALS)
            for kind in history.KINDS for note in range(NOTE_MAX)]


def events_of(who, publish, size, salt):
    """The small events of a publish; what each says depends on its id alone."""
    parts, events, kinds = arounds(), [], len(history.KINDS)
    for place in range(who << PLACE_BITS, (who << PLACE_BITS) + size):
        rest = place * ODD & MASK
        head, tail = parts[((rest >> 24) % history.DEALS * kinds + (rest >> 8 & 0xff) % kinds) * NOTE_MAX +
                           rest % NOTE_MAX]
        events.append(head + RID.pack(publish << REST_BITS | rest) + salt + tail)
    return events


def split(ident):
    """Publisher, publish, place."""
    number = RID.unpack_from(ident)[0]
    rest = (number & MASK) * BACK & MASK
    return rest >> PLACE_BITS, number >> REST_BITS, rest & ((1 << PLACE_BITS) - 1)


class Accounted(load.Role):
    """
    Who keeps account of every request: it has one answer, or its service was killed. What is not
    answered in time is asked again under another rid; a late answer counts as one.
    """

    def __init__(self, directory, name, seed, endpoint, connections, window, ttl_ms, patience_s=1.0):
        super().__init__(directory, name, seed)
        self.endpoint, self.connections, self.window = endpoint, connections, window
        self.ttl_ms, self.patience_s = ttl_ms, ttl_ms / 1000 + patience_s
        self.killed_at = multiprocessing.Value("d", 0.0) # the last time, by the clock; Field shares it

    def open(self):
        self.poller, self.askers, self.free = zmq.Poller(), [], []
        for i in range(self.connections):
            asker = wire.Asker(self.context, self.endpoint)
            asker.number = i
            self.poller.register(asker.socket, zmq.POLLIN)
            self.askers.append(asker)
            self.free += [i] * self.window # as many as may be on their way
        self.by_socket = {a.socket: a for a in self.askers}
        self.waiting, self.expired, self.rid = {}, {}, 0
        self.later = collections.deque() # (when, what), to be asked again
        self.counts = collections.Counter()

    def ask(self, what, *parts):
        """Send a request; `answered(what, answer)` is called with what comes."""
        self.rid += 1
        to = self.free.pop(self.random.randrange(len(self.free)))
        self.waiting[self.rid] = (what, to, time.monotonic())
        self.askers[to].socket.send(self.packed(what, self.rid, *parts))
        self.counts["sent"] += 1

    def packed(self, what, rid, head, tail):
        """The bytes of a request, which is in two pieces, without its rid."""
        return head + RID.pack(rid) + tail

    def hear(self):
        for socket, _ in self.poller.poll(5):
            for _ in range(self.window):
                try:
                    raw = socket.recv(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self.take(msgpack.unpackb(raw))

    def take(self, answer):
        rid = answer.get("rid")
        entry = self.waiting.pop(rid, None)
        late = entry is None
        if late:
            entry = self.expired.pop(rid, None)
            if entry is None:
                raise proof.Broken("an answer that nobody waits for, or a second one: %s" % answer)
            self.counts["late"] += 1
        else:
            self.free.append(entry[1])
        self.counts["answers"] += 1
        if answer["type"] == "error":
            self.counts["said_" + answer["name"].lower()] += 1
            if late and answer["name"] in load.RETRY:
                return # it was asked again when it had expired
        self.answered(entry[0], answer)

    def expire(self):
        """What had no answer in time, or was on its way when somebody was killed, is asked again."""
        now = time.monotonic()
        old, killed = now - self.patience_s, self.killed_at.value
        if killed + HURRY_S < now:
            old = max(old, killed)
        while self.waiting:
            rid, entry = next(iter(self.waiting.items()))
            if entry[2] > old:
                return
            del self.waiting[rid]
            self.free.append(entry[1])
            self.expired[rid] = entry
            self.counts["expired"] += 1
            self.again(entry[0])

    def again(self, what):
        self.later.append((time.monotonic() + AGAIN_S, what))

    def due(self):
        """What is to be asked again now, or None."""
        if self.later and self.later[0][0] <= time.monotonic():
            return self.later.popleft()[1]
        return None

    def serve(self):
        """Ask until nothing is left; returns when what was asked in vain was sent."""
        end = None
        while not self.finished() or self.later or self.waiting:
            for _ in range(len(self.free)):
                if not self.next():
                    break
            self.hear()
            self.expire()
            if self.finished():
                end = end or proof.Patience(load.GIVE_UP_S)
                if not end.step():
                    raise proof.Broken("%d requests get no definite answer: %s" % (
                        len(self.later), dict(self.counts)))
        end = proof.Patience(self.patience_s + 2)
        while self.expired and end.step():
            self.hear()
        return [sent for _, _, sent in self.expired.values()]


class Asks(Accounted):
    """Asks query for this and that, `total` times; whatever the answer, it must be a definite one."""

    def __init__(self, directory, name, seed, endpoint, total, top, connections=4, window=64,
                 ttl_ms=500, patience_s=1.0):
        super().__init__(directory, name, seed, endpoint, connections, window, ttl_ms, patience_s)
        self.total, self.top = total, top

    def work(self):
        self.open()
        self.done = 0
        silent = self.serve()
        return None, silent, self.counts

    def finished(self):
        return self.done >= self.total

    def next(self):
        what = self.due()
        if what is None and self.finished():
            return False
        if what is None:
            self.done += 1
            what = self.random.randrange(100)
        name, fields = self.question(what)
        self.ask(what, *wire.packed(name, self.ttl_ms, **fields))
        return True

    # how many of 100 are what; the others ask for an event that is surely there
    QUESTIONS = ("future",) * 4 + ("wait",) * 4 + ("read",) * 4 + ("hello",) * 4

    def question(self, what):
        top = self.top.value
        kind = self.QUESTIONS[what] if what < len(self.QUESTIONS) else "get"
        if kind == "future": # what is not there yet: in vain, or just in time
            return "get", {"seq": top + 1, "min_seq": top + 1}
        if kind == "wait":
            return "read", {"after": top, "wait_ms": 30, "limit": 10}
        if kind == "read":
            return "read", {"after": self.random.randrange(top + 1), "limit": 10}
        if kind == "hello":
            return "hello", {}
        seq = 1 + self.random.randrange(max(top, 1))
        return "get", {"seq": seq, "min_seq": seq}

    def answered(self, what, answer):
        if answer["type"] != "error":
            self.counts["done_" + answer["type"]] += 1
            return
        code, surely_there = answer["name"], what >= len(self.QUESTIONS)
        if code in ("BUSY", "UNAVAILABLE") or (surely_there and code in load.RETRY):
            self.again(what)
        elif code not in ("DEADLINE", "NOT_FOUND", "POSITION_IN_FUTURE"):
            raise proof.Broken("an answer that is none: %s" % answer)


class Notes:
    """What a publisher knows of its publishes, each a few bytes."""

    SENT, ACKED, CREATED, ABORTED, NOTHING, RETRIED = 1, 2, 4, 8, 16, 32

    def __init__(self):
        self.size, self.flags = array.array("H"), bytearray()
        self.floor, self.first, self.recorded = (array.array("Q") for _ in range(3))
        self.leaves = array.array("q") # hash() of them all

    def add(self, size, floor, flags):
        self.size.append(size)
        self.floor.append(floor)
        self.first.append(0)
        self.recorded.append(0)
        self.leaves.append(0)
        self.flags.append(flags)
        return len(self.size) - 1

    def hear(self, n, answer):
        """The receipt must be the one of the first time. Returns its last seq."""
        receipts = answer["receipts"]
        if len(receipts) != 1:
            raise proof.Broken("one publish, several runs: %s" % receipts)
        r = receipts[0]
        said = (r["first"], r["recorded"], hash(b"".join(r["leaves"])))
        flags = self.flags[n]
        if r["index"] or r["last"] - r["first"] + 1 != self.size[n] or r["epoch"] != 1:
            raise proof.Broken("not a receipt for %d events: %s" % (self.size[n], receipts))
        if flags & (self.ABORTED | self.NOTHING):
            raise proof.Broken("refused, and then there is a receipt: %s" % receipts)
        if not flags & self.ACKED:
            self.first[n], self.recorded[n], self.leaves[n] = said
        elif said != (self.first[n], self.recorded[n], self.leaves[n]):
            raise proof.Broken("another receipt for the same publish: from %d, then from %d" % (
                self.first[n], r["first"]))
        if answer["status"] == "created":
            if flags & self.CREATED:
                raise proof.Broken("created twice: %s" % receipts)
            flags |= self.CREATED
        self.flags[n] = flags | self.ACKED
        return r["last"]


class Bulk(Accounted):
    """
    Publishes `total` times. `sends`: how often each is sent, one is chosen; `drop`: the share of
    answers that are taken for lost; `other`: of publishes tried again with other content; `aborts`: of
    batches with a fault in them; `abandon`: of those refused for now that are never sent again.
    """

    def __init__(self, directory, name, seed, endpoint, number, total, top=None, batches=(1,),
                 sends=(1,), drop=0.0, other=0.0, aborts=0.0, abandon=0.0, connections=4, window=64,
                 ttl_ms=500, patience_s=0.3):
        super().__init__(directory, name, seed, endpoint, connections, window, ttl_ms, patience_s)
        self.number, self.total, self.top = number, total, top
        self.batches, self.sends, self.drop, self.other = batches, sends, drop, other
        self.aborts, self.abandon, self.salt = aborts, abandon, struct.pack(">Q", seed)

    def work(self):
        self.open()
        self.notes, self.repeats = Notes(), []
        self.head, tail = wire.packed("publish", self.ttl_ms, events=None)
        self.tail = tail[:-1]
        silent = self.serve()
        return self.notes, silent, self.counts

    def finished(self):
        return len(self.notes.size) >= self.total and not self.repeats

    def next(self):
        """Send one; False where there is nothing to send now."""
        what = self.due()
        if what is None and self.repeats and (self.random.random() < 0.5 or
                                              len(self.notes.size) >= self.total):
            at = self.random.randrange(len(self.repeats))
            self.repeats[at], self.repeats[-1] = self.repeats[-1], self.repeats[at]
            what = self.repeats.pop()
        if what is None and len(self.notes.size) < self.total:
            what = self.new()
        if what is None:
            return False
        self.publish(what)
        return True

    def new(self):
        random = self.random
        aborted = random.random() < self.aborts
        size = random.choice(self.batches)
        flags = Notes.ABORTED if aborted else 0
        n = self.notes.add(max(size, 2) if aborted else size,
                           self.top.value if self.top is not None else 0, flags)
        if not aborted:
            self.repeats += [n] * (random.choice(self.sends) - 1)
        return n

    def publish(self, what):
        """`what` is a number of a publish, or its negative: the same ids with other content."""
        n = what if what >= 0 else ~what
        raws = events_of(self.number, n, self.notes.size[n], self.salt)
        if what < 0:
            raws = [history.event_of(wire.ident_of(raw), NOTE_MAX + 1) for raw in raws]
        if self.notes.flags[n] & Notes.ABORTED: # one is at fault, for ingest or for the ledger
            raws[self.random.randrange(1, len(raws))] = self.fault(raws[0])
        if self.notes.flags[n] & Notes.SENT:
            self.notes.flags[n] |= Notes.RETRIED
        self.notes.flags[n] |= Notes.SENT
        self.ask(what, self.head, self.tail + wire.array_of_bytes(raws))

    def fault(self, raw):
        """An event that a batch is refused for: no date, or the first one's id and other content."""
        if self.random.random() < 0.5:
            return raw.replace(b"2001-01-21", b"2001-13-21")
        return history.event_of(wire.ident_of(raw), NOTE_MAX + 1)

    def answered(self, what, answer):
        n, notes = what if what >= 0 else ~what, self.notes
        if answer["type"] == "error":
            self.refused(what, n, answer)
        elif what < 0:
            raise proof.Broken("other content under the same id is taken: %s" % answer)
        elif self.random.random() < self.drop:
            self.counts["dropped"] += 1 # as if it had not come
            self.again(n)
        else:
            known = notes.flags[n] & Notes.ACKED
            last = notes.hear(n, answer)
            self.counts["receipts_compared"] += bool(known)
            if known:
                return
            self.progress.value += notes.size[n]
            if self.top is not None:
                with self.top.get_lock():
                    self.top.value = max(self.top.value, last)
            if self.random.random() < self.other:
                self.repeats.append(~n)

    def refused(self, what, n, answer):
        notes, code = self.notes, answer["name"]
        if code in load.RETRY:
            if (code in NOTHING and not notes.flags[n] & (Notes.RETRIED | Notes.ACKED) and
                    n not in self.repeats and self.random.random() < self.abandon):
                notes.flags[n] |= Notes.NOTHING
                self.counts["abandoned"] += 1
                return
            self.again(what)
        elif what < 0:
            if code not in ("ID_CONFLICT", "BAD_BATCH"):
                raise proof.Broken("other content: refused as %s" % answer)
            if notes.size[n] == 1 and answer.get("seq") != notes.first[n]:
                raise proof.Broken("a conflict with %s, and it is with %d" % (
                    answer.get("seq"), notes.first[n]))
            self.counts["conflicts"] += 1
        elif notes.flags[n] & Notes.ABORTED and code == "BAD_BATCH":
            self.counts["batches_refused"] += 1
        else:
            raise proof.Broken("a publish is refused: %(name)s %(text)s" % answer)


def entries_of(asker, timeout_s=30.0):
    """Every entry that a service holds, in order; never more than one answer in memory."""
    after = 0
    while True:
        answer = asker.ask("read", timeout_s, after=after, limit=10000, max_bytes=8 << 20,
                           ttl_ms=wire.TTL_MAX_MS)
        yield from answer["events"]
        after = answer["scanned_to"]
        if after >= answer["head"]:
            return


class Check:
    """P2, P4, P5 of a log against the notes of those who wrote it, event by event, in one pass."""

    def __init__(self, notes, salts):
        self.notes, self.salts = notes, salts
        self.seen = [bytearray(len(n.size)) for n in notes] # whether a publish is in the log
        self.seq, self.recorded = 0, 0
        self.publish = None # publisher, publish, place, first, recorded, leaves of the one in hand
        self.wanted = [] # its events
        self.ends = array.array("Q") # the last seq of each publish

    def entry(self, e):
        self.seq += 1
        if e["seq"] != self.seq or e["recorded"] <= self.recorded or e["epoch"] != 1:
            raise proof.Broken("seq %d, recorded %d, epoch %d behind seq %d, recorded %d" % (
                e["seq"], e["recorded"], e["epoch"], self.seq - 1, self.recorded))
        self.recorded = e["recorded"]
        raw = e["event"]
        ident = wire.ident_of(raw)
        who, n, place = split(ident)
        if who >= len(self.notes) or ident[8:] != self.salts[who] or n >= len(self.seen[who]):
            raise proof.Broken("event %d is nobody's" % self.seq)
        if place == 0:
            self.begin(who, n)
        elif self.publish is None or self.publish[:3] != [who, n, place]:
            raise proof.Broken("event %d is torn out of its batch, or in the log twice" % self.seq)
        if raw != self.wanted[place]:
            raise proof.Broken("event %d is not as it was published" % self.seq)
        self.publish[2] = place + 1
        if self.recorded != self.publish[4] + place:
            raise proof.Broken("recorded of %d is not its batch's" % self.seq)
        self.publish[5].append(wire.leaf(1, self.seq, self.recorded, raw))
        if place + 1 == self.notes[who].size[n]:
            self.end()

    def begin(self, who, n):
        if self.publish is not None:
            raise proof.Broken("a batch before %d is not whole" % self.seq)
        if self.seen[who][n]:
            raise proof.Broken("publish %d of %d is in the log twice, again at %d" % (
                n, who, self.seq))
        self.seen[who][n] = 1
        notes = self.notes[who]
        if notes.flags[n] & (Notes.ABORTED | Notes.NOTHING):
            raise proof.Broken("event %d was refused, and is in the log" % self.seq)
        if self.seq <= notes.floor[n]:
            raise proof.Broken("seq %d, sent after %d was acknowledged" % (self.seq, notes.floor[n]))
        self.publish = [who, n, 0, self.seq, self.recorded, []]
        self.wanted = events_of(who, n, notes.size[n], self.salts[who])

    def end(self):
        who, n, _, first, recorded, leaves = self.publish
        self.publish = None
        self.ends.append(self.seq)
        notes = self.notes[who]
        if not notes.flags[n] & Notes.ACKED:
            return
        if (first, recorded, hash(b"".join(leaves))) != (notes.first[n], notes.recorded[n],
                                                         notes.leaves[n]):
            raise proof.Broken("the receipt of %d says another thing than the log" % first)

    def finish(self):
        if self.publish is not None:
            raise proof.Broken("the last batch is not whole")
        for who, notes in enumerate(self.notes):
            for n, flags in enumerate(notes.flags):
                if flags & Notes.ACKED and not self.seen[who][n]:
                    raise proof.Broken("publish %d of %d was acknowledged and is lost" % (n, who))

    def all(self, entries):
        for e in entries:
            self.entry(e)
        self.finish()
        return self.seq


def check_silence(p, silent, kills, patience_s, lost_max):
    """Who has no answer at all had asked a service that was killed (or whose connection was cut) at one of
    these times; and not more than could be on their way."""
    for sent in silent:
        p.check(any(sent - 0.5 <= at <= sent + patience_s + SLOW_S for at in kills),
                "a request of %.2f s has no answer, and nothing had happened then", sent - p.began)
    p.check(len(silent) <= lost_max, "%d requests without an answer, %d kills", len(silent), len(kills))
    p.count("unanswered_as_their_service_was_gone", len(silent))


class Field:
    """Services, those who use them, and the one who kills and stops; `kills` of each, by the clock."""

    def __init__(self, p, directory, names=("ledger", "ingest"), preload=None, env=None,
                 programs=None):
        self.p, self.dir = p, directory
        self.services, self.kills, self.roles = {}, {n: [] for n in names}, []
        self.killed_at = multiprocessing.Value("d", 0.0)
        for name in names:
            self.services[name] = world.Service(name, directory, (preload or {}).get(name, ()),
                                                dict((env or {}).get(name, {})),
                                                avow=(programs or {}).get(name))
            self.start(name)
        if "ledger" in names:
            world.await_ledger(self.services)

    def start(self, name):
        service = self.services[name]
        self.p.check(service.start(60), "%s does not start: %s", name, service.said())

    def begin(self, roles):
        self.roles += roles
        for role in roles:
            role.killed_at = self.killed_at
            role.start()

    def kill(self, name, died=False):
        """Kill it, or where it `died` by itself note that; and start it again."""
        service = self.services[name]
        if not died:
            self.p.check(service.alive(), "%s has ended by itself: %s", name, service.said())
        service.kill()
        self.kills[name].append(time.monotonic())
        self.start(name)
        self.killed_at.value = time.monotonic()
        self.p.count("kills_" + name)

    def stop(self, name, seconds):
        """Let it stand still."""
        process = self.services[name].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        self.p.count("stops_" + name)

    def wait(self, disturb, every_s=20):
        """Until all have ended by themselves; `disturb` is called all the time, and may wait a little."""
        said = time.monotonic()
        while any(r.is_alive() for r in self.roles):
            disturb()
            if time.monotonic() - said > every_s:
                said = time.monotonic()
                self.p.say("%d events acknowledged", sum(r.progress.value for r in self.roles))

    def end(self):
        for role in self.roles:
            if role.is_alive():
                role.kill()
        for service in self.services.values():
            service.kill()


def results(p, field, prefix=""):
    """The notes of publishers that have ended; everything they counted, and that no answer is missing."""
    all_notes = []
    for role in field.roles:
        notes, silent, counts = role.result()
        if notes is not None:
            all_notes.append(notes)
        for name, number in counts.items():
            p.count(prefix + name, number)
        service = os.path.basename(role.endpoint)[:-len(".sock")]
        # with each kill, whoever's, all that is on its way is asked again
        everything = role.connections * role.window * sum(map(len, field.kills.values()))
        check_silence(p, silent, field.kills[service], role.patience_s, everything)
    return all_notes
