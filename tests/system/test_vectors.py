# SPDX-License-Identifier: Apache-2.0
"""The vectors, read by somebody who has only PROTOCOL.md and Python's MessagePack."""
import hashlib
import json
import pathlib
import re
import struct
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgpack

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MINOR = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}  # ISO 4217, as far as the vectors go


def tables():
	"""Every record and message of PROTOCOL.md: name -> field -> (type, needed)."""
	found, name = {}, None
	for line in (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8").splitlines():
		head = re.fullmatch(r"### (\w+)", line)
		row = re.fullmatch(r"\| `(\w+)` \| ([^|]+) \| (needed)? ?\| [^|]*\|.*", line)
		if head:
			name = head.group(1)
			found[name] = {}
		elif row and name:
			found[name][row.group(1)] = (row.group(2).strip(), bool(row.group(3)))
	return found


def kinds():
	"""kind -> the fields that it needs, out of the table of kinds."""
	text = (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8")
	section = text.split("## Kinds of events")[1].split("\n## ")[0]
	common = set(re.findall(r"`(\w+)`", section.split(", and takes")[0]))
	rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|$", section, re.M)
	return {kind: common | set(re.findall(r"`(\w+)`", needs)) for kind, needs, takes in rows}


TABLES, KINDS = tables(), kinds()


def unpack(wire):
	"""One map and nothing else; a key that stands twice is an error, as the protocol has it."""
	def pairs(items):
		if len({key for key, value in items}) < len(items):
			raise ValueError("a key stands twice")
		return dict(items)
	return msgpack.unpackb(wire, object_pairs_hook=pairs)


def major(minor, currency):
	if minor is None:
		return None
	text = format(Decimal(minor).scaleb(-MINOR[currency]), "f")
	return text[:-1 - MINOR[currency]] if MINOR[currency] and text.endswith("." + "0" * MINOR[currency]) else text


def amount(value):
	out = {side: major(value.get(side), value["currency"]) for side in ("low", "high")}
	out["currency"] = value["currency"]
	out.update({flag: True for flag in ("approx", "low_excl", "high_excl") if value.get(flag)})
	return out


def when(us):
	day = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=us)
	return day.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_json(value, kind):
	"""What PROTOCOL.md says of this type in JSON."""
	if kind.startswith("array of "):
		return [as_json(item, kind[len("array of "):]) for item in value]
	link = re.fullmatch(r"map \[(\w+)\]\(#\1\)", kind)
	if link:
		return record(value, link.group(1))
	expected = {"bool": bool, "number": int, "integer": int, "time": int, "id": bytes, "hash": bytes,
		"bytes": bytes, "amount": dict}.get(kind, dict if kind.startswith("map from") else str)
	assert type(value) is expected, (kind, value)
	return {"id": lambda: str(uuid.UUID(bytes=value)), "hash": value.hex if kind == "hash" else None,
		"time": lambda: when(value), "amount": lambda: amount(value),
		"bytes": lambda: record(unpack(value), "event")}.get(kind, lambda: value)()


def record(value, name):
	fields = TABLES[name]
	missing = [field for field, (kind, needed) in fields.items() if needed and field not in value]
	assert not missing, (name, missing)
	return {key: as_json(item, fields[key][0]) for key, item in value.items()}


def load(name):
	return json.loads((ROOT / "tests/vectors" / name).read_text(encoding="utf-8"))


class Vectors(unittest.TestCase):
	def test_messages_are_what_the_specification_says(self):
		for vector in load("messages.json"):
			with self.subTest(vector["name"]):
				value = unpack(bytes.fromhex(vector["hex"]))
				head = {key: value.pop(key) for key in vector["head"]}
				self.assertEqual(head, vector["head"])
				self.assertEqual(record(value, head["type"]), vector["json"])

	def test_every_message_of_the_specification_has_a_vector(self):
		there = {vector["head"]["type"] for vector in load("messages.json")}
		text = (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8")
		named = text.split("\n## Requests")[1].split("\n## Records")[0]
		self.assertEqual(there, set(re.findall(r"^### (\w+)$", named, re.M)))

	def test_events_are_what_the_specification_says(self):
		for vector in load("events.json"):
			with self.subTest(vector["name"]):
				value = unpack(bytes.fromhex(vector["hex"]))
				self.assertEqual(record(value, "event"), vector["json"])
				needs = KINDS[value["kind"]] - ({"stated"} if "ref" in value else set())
				self.assertLessEqual(needs, set(value))

	def test_leaves_are_hashes_as_the_specification_says(self):
		for vector in load("events.json"):
			head = struct.pack(">QQq", vector["epoch"], vector["seq"], vector["recorded"])
			leaf = hashlib.sha256(b"\0avow1" + head + bytes.fromhex(vector["hex"])).hexdigest()
			self.assertEqual(leaf, vector["leaf"], vector["name"])

	def test_what_is_malformed_no_other_reader_takes_either(self):
		for vector in load("refusals.json"):
			wire, name = bytes.fromhex(vector["hex"]), vector["error"]["name"]
			with self.subTest(vector["name"]):
				if name in ("MALFORMED", "DUPLICATE_KEY", "BAD_UTF8") and b"\0" not in wire:
					self.assertRaises(Exception, unpack, wire)

	def test_every_refusal_is_in_the_table_of_errors(self):
		text = (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8")
		rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.M)
		numbers = {name: int(number) for number, name in rows}
		for vector in load("refusals.json"):
			self.assertEqual(numbers[vector["error"]["name"]], vector["error"]["code"], vector["name"])


if __name__ == "__main__":
	unittest.main()
