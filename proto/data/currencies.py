#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write proto/currencies.def out of proto/data/iso4217.csv; with --check only compare.

A currency in use has the minor unit of the list, or none ("-": gold, the SDR, test codes).

For withdrawn currencies the list gives no minor unit. They are kept, because deals of their time
were stated in them: with 2 decimals, except those of WITHDRAWN_MINOR. What never was money with a
number of its own (XFO, XFU, XRE: units of account) has none.
"""
import csv
import pathlib
import sys

# Coins were not used or not counted: the pre-euro ones that ISO 4217 listed with 0, the francs of
# former French Africa and their like; and Yemen's dinar of 1000 fils.
WITHDRAWN_MINOR = dict.fromkeys(
    "ADP BEC BEF BEL BYB BYR ESA ESB ESP GRD ITL LUC LUF LUL MGF MLF PTE TPE TRL".split(), 0)
WITHDRAWN_MINOR["YDD"] = 3

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated out of data/iso4217.csv by data/currencies.py: do not edit. Sorted by code.
 *
 * CURRENCY(code, minor, name, withdrawn): minor is the number of decimals; withdrawn is NULL
 * while the currency is in use.
 * CURRENCY_WITHOUT(code, name): has no minor unit, so that no exact amount can be in it.
 */
"""


def last_year(withdrawn):
    """What to sort withdrawals by: "1989 to 1990" ended in 1990."""
    return withdrawn.split(" to ")[-1]


def table(path):
    by_code = {}
    with open(path, encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            by_code.setdefault(row["code"], []).append(row)
    for code, rows in sorted(by_code.items()):
        # in use beats withdrawn; the last withdrawal is when it was gone everywhere
        row = max(rows, key=lambda r: (not r["withdrawn"], last_year(r["withdrawn"]), r["name"]))
        name = '"%s"' % row["name"].replace("\\", "\\\\").replace('"', '\\"')
        minor = row["minor"]
        if row["withdrawn"]:
            minor = str(WITHDRAWN_MINOR.get(code, 2)) if row["number"] else "-"
        if minor == "-":
            yield "CURRENCY_WITHOUT(%s, %s)\n" % (code, name)
            continue
        if minor not in ("0", "1", "2", "3", "4"):
            sys.exit("%s: minor unit %r is not known" % (code, minor))
        withdrawn = '"%s"' % row["withdrawn"] if row["withdrawn"] else "NULL"
        yield "CURRENCY(%s, %s, %s, %s)\n" % (code, minor, name, withdrawn)


def main():
    here = pathlib.Path(__file__).resolve().parent
    out = here.parent / "currencies.def"
    text = HEAD + "".join(table(here / "iso4217.csv"))
    if sys.argv[1:] == ["--check"]:
        if out.read_text(encoding="utf-8") != text:
            sys.exit("currencies.def differs from what currencies.py makes; run it")
    elif sys.argv[1:]:
        sys.exit("usage: currencies.py [--check]")
    else:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
