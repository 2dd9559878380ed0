# SPDX-License-Identifier: Apache-2.0
"""
First inputs of each target, out of tests/vectors and tests/data, and the words that inputs are made of.

What is worth keeping of what fuzzing makes of them lies in corpus/, a file a target, an input a line.
"""
import json
import os
import re

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEDGER, TURN = 0x80, 0x10 # see fuzz.h
ASKED = re.compile(r'^REQUEST\((\w+), (\w+)', re.M)
WORDS = re.compile(r'^(?:RECORD|MESSAGE|REQUEST)\((\w+)|^(?:FIELD\w*|LIST\w*|PAIRS)\(\w+, (\w+)', re.M)
VALUES = re.compile(r'^VALUE\(\w+, (\w+)', re.M)
# forms of values, good and bad, that the grammars of amounts, dates and endpoints know
TEXTS = {
    "amount": ["15bn..25bn USD", "15..25bn USD", "~20bn USD", ">40bn USD", ">=40bn USD", "<=25bn USD",
               "up to 2.5 bn EUR", "..5 USD", "15bn.. USD", ".. USD", "1,25bn USD", "JPY 100",
               ">15bn..<25bn USD", "92233720368547758.07 USD", "1.2345 KWD", "\u22651mn chf", "-5 USD"],
    "date": ["2023", "2025-01", "2025-01-21", "2022-12~", "2025-04?", "2015/..", "../2029-01-21",
             "2024-10/2024-12-24", "2025-21", "2025-24%", "202X", "20XX", "2025-XX-XX", "-0044-03-15",
             "2025-01-30T14:05:06.123456Z", "0000-02-29", "9999-12-31/", "/1999", "Y12025", "2025-02-30"],
    "decimal": ["0", "-1.50", "123456789012345678", "0.000000000000000001", "+1", "1e5", "00.10", "up",
                "down", ".", "-"],
    "text": ["Softbank", "\u042f\u043d\u0434\u0435\u043a\u0441 NV", "e\u0301", "\u00e9", "\u212b", "a b",
             "\u1100\u1161\u11a8", "a\u0300\u0301\u0302", "\u202eevil", "softbank-openai-2025", "USD",
             "\ufb01", "\U0001f4b6", "XAU", "opnai openai"],
    "uuid": ["0190f3a2-0000-7000-8000-000000000001", "0190F3A2-0000-7000-8000-00000000000G", "-"],
    "endpoint": ["\1tcp://127.0.0.1:*", "\0tcp://localhost:65535", "\1tcp://[::1]:9", "\0ipc:///run/x.sock",
                 "\1tcp://0.0.0.0:1", "\0ipc://@x", "\1tcp://127.1:1", "\0inproc://x"],
    "json": ['{"a":[1,-2,"x\\u00e9\\ud83d\\ude00",null,true,false,{}],"b":1.5e3}', '[[[[[[[[1]]]]]]]]',
             '"\\ud800"', '9223372036854775807', '9223372036854775808', '{"a":1,"a":2}', ' [ ] x'],
    "config": ["dir = /tmp/x\noutput = json\n", "[avow]\ntimeout = 10s\n[other]\nx = y\n", "nothing\n",
               "; a remark\ncolor: never\n  goes on\n", "dirr = /x\n"],
    "args": ["pay\n--deal\nd\n--amount\n1bn\nUSD\n--to\na,b\n--note=x", "show\nsoftbank-openai-2025\n-o\njson",
             "watch\n--last\n5\n--from\nx", "shw", "league\n--limit\n-1", "help", "export\n--nothing",
             "publish\n--\n-x"],
    "spool": ["avow spool 1\n" + "k" * 32, "avow spool 2\n", "avow sp", "avow position 1\nledger "
              "0190f3a2-0000-7000-8000-000000000001\nepoch 1\nseq 5\n"],
    "planted": ["LV\1x", "LW"],
}


def load(name):
    with open(os.path.join(ROOT, "tests", "vectors", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def framed(*messages):
    """An input of a handler: (who, bytes)…"""
    return b"".join(bytes([who]) + len(raw).to_bytes(2, "big") + raw for who, raw in messages)


def message(name, rid=7, **fields):
    return msgpack.packb({"v": 1, "type": name, "rid": rid, **fields})


def source(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def requests():
    return dict(ASKED.findall(source("proto", "messages.def")))


def sample_lines():
    return source("tests", "data", "ai-deals.jsonl").splitlines()


def words():
    """Names of messages, fields and words, as a dictionary for libFuzzer."""
    table = source("proto", "messages.def")
    found = {name for pair in WORDS.findall(table) for name in pair if name}
    found |= set(VALUES.findall(source("proto", "enums.def")))
    found |= {"v", "type", "rid", "ttl_ms", "softbank-openai-2025", "stargate", "openai", "softbank",
              "USD", "EUR", "bn", "2025-01-30"}
    lines = []
    for word in sorted(found):
        lines.append('"%s"' % word)
        if len(word) < 32: # as a short text of MessagePack
            lines.append('"\\x%02x%s"' % (0xa0 | len(word), word))
    return "\n".join(lines) + "\n"


def handler_seeds(events, messages):
    welcome = message("welcome", rid=8191, service="ledger", version="x", proto_min=1, proto_max=1,
                      features=[], ledger=bytes(range(16)), epoch=1, head=0, time=1738245600000000,
                      limits={"message_bytes": 9, "event_bytes": 9, "batch_events": 9,
                              "read_events": 9, "wait_ms": 9})
    each = [message("publish", events=[raw]) for raw in events]
    both = message("publish", rid=2, events=events[:2], partial=True)
    read = message("read", after=0, wait_ms=50)
    entries = [{"seq": i + 1, "epoch": 1, "recorded": 1738245600000000 + i, "event": raw}
               for i, raw in enumerate(events[:3])]
    feed = message("events", rid=2, epoch=1, head=len(entries), scanned_to=len(entries), events=entries)
    yield "ledger", framed((0, each[0]), (TURN, both), (1, read), (2, message("status")))
    yield "ingest", framed((LEDGER, welcome), (0, each[1]), (1, both), (2, message("hello")),
                           (LEDGER, message("published", rid=0, status="created", receipts=[])))
    yield "feed", framed((LEDGER, welcome), (0, read), (LEDGER, feed), (1, message("hello")))
    for raw in each:
        yield "ledger", framed((TURN, raw), (0, raw))
        yield "ingest", framed((0, raw))
    for name, raw in messages:
        if name in requests():
            yield "query", framed((0, raw))
        yield "ledger", framed((0, raw))
        yield "feed", framed((LEDGER, welcome), (LEDGER, raw))
        yield "ingest", framed((0, each[0]), (LEDGER, raw))


def seeds():
    """(target, bytes)…"""
    events = [bytes.fromhex(row["hex"]) for row in load("events")]
    messages = [(row["name"], bytes.fromhex(row["hex"])) for row in load("messages")]
    for target, texts in TEXTS.items():
        for text in texts:
            yield target, text.encode()
    for row in load("refusals"):
        raw = bytes.fromhex(row["hex"])
        yield "wire", raw
        yield "message" if row["as"] == "message" else "event", raw
    for raw in events:
        yield "event", raw
        yield "wire", raw
        yield "record", b"\0\5" + raw
    for name, raw in messages:
        yield "message", raw
        yield "wire", raw
    for line in sample_lines()[::12]:
        yield "json_event", b"\0" + line.encode()
        yield "json", line.encode()
    for row in load("messages"):
        yield "json_event", b"\x80" + json.dumps(row["json"]).encode()
    for size in (6, 40, 90):
        yield "fact", bytes(size)
    yield "map", b"\0permalink,name\n/a,b\n"
    yield "map", source("tools", "maps", "crunchbase-2015.map").encode() + b"\0a,b\n"
    yield "map", (b"[map]\nname = n\ntag = t\n[columns]\na = required max:9\nb = date\n[event x]\n"
                  b"kind = deal\ndeal = {a|lower}\ntitle = {a}\nstated = {b|day}\n"
                  b"source.publisher = p\nrow = note\n\0x,2015-01-01\ny,1/2/2015\n")
    yield from handler_seeds(events, messages)
