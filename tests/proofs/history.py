# SPDX-License-Identifier: Apache-2.0
"""
What must be true of a ledger's history and of what people were told, checked after the fact.

All of it from PROTOCOL.md; `entries` is what `read` gave, `told` what publishers noted. Each check
raises proof.Broken. Events are made from their id alone (`event_of`), so that their bytes need not
be kept to know them.
"""
import dataclasses
import functools

import msgpack

import proof
import wire

DEALS, KINDS = 20, ("announce", "commit", "rumour")
NOTE_AT = 5 # the byte of an id that says how long the note is


@functools.lru_cache(maxsize=None)
def around(deal, size, kind):
    """What stands before and behind the id in an event."""
    raw = wire.event(bytes(16), "deal-%d" % deal, "n" * size, kind=kind)
    return raw[:wire.ID_AT], raw[wire.ID_AT + 16:]


def event_of(ident, size=0):
    """The bytes of the event with this id; its bytes 4 to 6 choose deal, size of the note and kind."""
    head, tail = around(ident[4] % DEALS, size or ident[NOTE_AT], KINDS[ident[6] % len(KINDS)])
    return head + ident + tail


def matches(raw, wanted):
    """The protocol's filter, as far as the proofs use it."""
    fields = msgpack.unpackb(raw)
    return (wanted.get("deal") in (None, fields["deal"]) and
            ("kind" not in wanted or fields["kind"] in wanted["kind"]) and
            wanted.get("to") in (None, fields["to"][0]))


@dataclasses.dataclass
class Publish:
    """One publish of a publisher, and what it was told."""
    idents: list
    floor: int = 0 # the greatest seq that this publisher had a receipt for before it was first sent
    receipt: list = None # (index, epoch, first, last, recorded, leaves) of each run
    sends: int = 0
    receipts_seen: int = 0
    created_seen: int = 0

    def hear(self, answer):
        """Note the receipt; it must be the one of the first time. Returns its last seq."""
        said = [(r["index"], r["epoch"], r["first"], r["last"], r["recorded"], r["leaves"])
                for r in answer["receipts"]]
        if self.receipt is None:
            self.receipt = said
        elif self.receipt != said:
            raise proof.Broken("another receipt for the same publish: %s, then %s"
                               % (self.receipt, said))
        self.receipts_seen += 1
        self.created_seen += answer["status"] == "created"
        if self.created_seen > 1:
            raise proof.Broken("created twice: %s" % said)
        return said[-1][3]


def check_log(entries, epoch, checked=0, seen=None):
    """
    P4: 1, 2, 3 … without a hole, `recorded` strictly increasing, no id twice (P2). The first `checked`
    are the same as in an earlier call, which gave `seen`.
    """
    seen, before = seen or {}, entries[checked - 1]["recorded"] if checked else 0
    for i, entry in enumerate(entries[checked:], checked):
        if entry["seq"] != i + 1:
            raise proof.Broken("seq %d where %d should be" % (entry["seq"], i + 1))
        if entry["recorded"] <= before:
            raise proof.Broken("recorded does not increase at seq %d" % (i + 1))
        if entry["epoch"] != epoch:
            raise proof.Broken("another epoch at seq %d" % (i + 1))
        before = entry["recorded"]
        ident = wire.ident_of(entry["event"])
        if ident in seen:
            raise proof.Broken("id %s stands at %d and %d" % (ident.hex(), seen[ident], i + 1))
        if entry["event"] != event_of(ident):
            raise proof.Broken("event %d is not as it was published" % (i + 1))
        seen[ident] = i + 1
    return seen


def check_publishes(entries, seen, publishes):
    """P1, P2, P4, P5: what was acknowledged is there, as the receipt says, contiguous, in order."""
    known = 0
    for publish in publishes:
        seqs = [seen.get(ident) for ident in publish.idents]
        if publish.receipt is None and seqs[0] is None:
            if any(seqs):
                raise proof.Broken("a part of a batch is in the log: %s" % seqs)
            continue
        if seqs[0] is None or seqs != list(range(seqs[0], seqs[0] + len(seqs))):
            raise proof.Broken("a batch is lost or torn: %s, receipt %s" % (seqs, publish.receipt))
        known += len(seqs)
        if seqs[0] <= publish.floor:
            raise proof.Broken("seq %d, sent after %d was acknowledged" % (seqs[0], publish.floor))
        if publish.receipt is None:
            continue
        if len(publish.receipt) != 1:
            raise proof.Broken("one batch, several runs: %s" % publish.receipt)
        index, epoch, first, last, recorded, leaves = publish.receipt[0]
        if (index, first, last) != (0, seqs[0], seqs[-1]) or len(leaves) != len(seqs):
            raise proof.Broken("the receipt says %s, the log %s" % (publish.receipt, seqs))
        for i, seq in enumerate(seqs):
            entry = entries[seq - 1]
            if entry["recorded"] != recorded + i:
                raise proof.Broken("recorded of %d is not the receipt's" % seq)
            if wire.leaf(epoch, seq, recorded + i, entry["event"]) != leaves[i]:
                raise proof.Broken("leaf hash of %d is not the receipt's" % seq)
    if known != len(seen):
        raise proof.Broken("%d events are in the log, %d were published" % (len(seen), known))


def check_watcher(entries, start, wanted, got, position):
    """P6: exactly the matches behind `start`, each once, in order, with the log's bytes."""
    want = [e["seq"] for e in entries[start:position] if not wanted or matches(e["event"], wanted)]
    if [seq for seq, _ in got] != want:
        missing, doubles = set(want) - {s for s, _ in got}, len(got) - len({s for s, _ in got})
        raise proof.Broken("a watcher from %d with %s: %d missing (%s), %d twice, %d of %d" % (
            start, wanted, len(missing), sorted(missing)[:5], doubles, len(got), len(want)))
    for seq, digest in got:
        if digest != hash(entries[seq - 1]["event"]):
            raise proof.Broken("a watcher got other bytes for seq %d" % seq)
