#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""first.py INGEST QUERY TAPE [COUNT]: publish an event, read it back, follow the tape."""
import sys, time, uuid, msgpack, zmq

context, rid = zmq.Context(), 0

def connect(kind, endpoint):
	socket = context.socket(kind)
	socket.linger = 0
	socket.connect(endpoint)
	return socket

def ask(socket, name, **fields):
	global rid
	rid += 1
	socket.send(msgpack.packb({"v": 1, "type": name, "rid": rid, "ttl_ms": 5000, **fields}))
	while socket.poll(6000):
		answer = msgpack.unpackb(socket.recv())
		if answer["type"] == "error":
			sys.exit("%(name)s: %(text)s" % answer)
		if answer.get("rid") == rid:
			return answer
	sys.exit("UNKNOWN: perhaps executed, so ask again with the same id")

ingest, query, tape = map(connect, (zmq.DEALER, zmq.DEALER, zmq.SUB), sys.argv[1:4])
tape.subscribe(b"avow")
event = {"id": uuid.uuid4().bytes, "kind": "announce", "deal": "first-deal", "to": ["first-party"],
	"amount": {"low": 2_000_000_00, "high": 2_000_000_00, "currency": "USD"}, "grade": "press",
	"stated": time.strftime("%Y-%m-%d", time.gmtime()), "source": {"publisher": "first.py"}}
seq = ask(ingest, "publish", events=[msgpack.packb(event)])["receipts"][0]["first"]
entry = ask(query, "get", seq=seq, min_seq=seq)["entry"]
print("written and read back as", seq, msgpack.unpackb(entry["event"]) == event)
after, left = seq - 1, int(sys.argv[4]) if len(sys.argv) > 4 else 1
while left > 0 and tape.poll(5000): # a beacon comes every 250 ms
	ring = msgpack.unpackb(tape.recv_multipart()[1])
	if ring.get("head", ring.get("entry", {}).get("seq", 0)) > after: # the doorbell: read
		news = ask(query, "read", after=after, limit=left)
		after, left = news["scanned_to"], left - len(news["events"])
		print(*("#%d" % e["seq"] for e in news["events"]), "- read up to", after)
