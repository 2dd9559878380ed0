# SPDX-License-Identifier: Apache-2.0
"""Commands whose n-th call for memory or on files fails: each says so, or does what it should.

The commands are those of cases/, in their order. Before faults each runs as it is; then FAILING_RUNS
times with one fault each, drawn from FAILING_SEED: a command that only asks must print the same, or end
with an exit code of its own and words on stderr; one that changes something must end so or well. None
may end by a signal.
"""
import errno
import os
import pathlib
import random
import re
import tempfile
import unittest

import run

RUNS = int(os.environ.get("FAILING_RUNS", "1"))
SEED = os.environ.get("FAILING_SEED", "1")
FAULTY = os.environ["FAULTY"] # faulty.c of ../proofs, built
CALLS = {"malloc": errno.ENOMEM, "calloc": errno.ENOMEM, "realloc": errno.ENOMEM, "open": errno.EMFILE,
         "openat": errno.EIO, "write": errno.ENOSPC, "fsync": errno.EIO}
OFTEN = 10 # so many draws of a call for memory to one on a file
FIRST_MOST = 40 # beyond that few commands have a call
CHANGES = re.compile(r"\b(publish|import|correct|retract|config|up|query|ledger|ingest|bench|demo)\b")
ONE_COMMAND = re.compile(r"avow [^|;&<>$`]*$")
CODES = range(1, 8)

WRAPPER = """#!/bin/sh
[ -z "$FAULT_CALL" ] || export LD_PRELOAD="$FAULTY"
exec "$AVOW_PROGRAM" "$@"
"""


class Failing(unittest.TestCase):
    fired = ran = 0

    def fault(self, chance, command, home, env, healthy):
        memory = [name for name in sorted(CALLS) if "alloc" in name]
        call = chance.choice(sorted(CALLS) + OFTEN * memory)
        n = int(FIRST_MOST ** chance.random())
        fired = pathlib.Path(home, "fired")
        faulty = dict(env, FAULT_CALL=call, FAULT_N=str(n), FAULT_ERRNO=str(CALLS[call]),
                      FAULT_FILE=str(fired))
        lines = run.run(command, home, faulty)
        what = "%s: %s, %s number %d: %s" % (command, "fails" if fired.exists() else "no fault", call, n,
                                             "\n".join(lines))
        Failing.ran += 1
        Failing.fired += fired.exists()
        fired.unlink(missing_ok=True)
        code = int(lines[-1][2:]) if lines and lines[-1].startswith("? ") else 0
        self.assertIn(code, [0, *CODES], what)
        if code:
            self.assertTrue(lines == healthy or any(line.startswith("2| ") for line in lines), what)
        elif not CHANGES.search(command):
            self.assertEqual(lines, healthy, what)

    def play(self, path):
        chance, text = random.Random(SEED + path.stem), path.read_text()
        with tempfile.TemporaryDirectory() as home, run.services(text) as found:
            os.mkdir(home + "/bin")
            os.mkdir(home + "/work")
            wrapper = pathlib.Path(home, "bin", "avow")
            wrapper.write_text(WRAPPER)
            wrapper.chmod(0o755)
            env = {**run.environment(home), **found, "FAULTY": FAULTY,
                   "AVOW_PROGRAM": os.path.abspath(run.AVOW)}
            for command, _ in run.parse(text):
                if command is None:
                    continue
                healthy = run.run(command, home, env)
                for _ in range(RUNS if ONE_COMMAND.match(command) else 0):
                    self.fault(chance, command, home, env, healthy)

    @classmethod
    def tearDownClass(cls):
        if cls.fired * 5 < cls.ran:
            raise AssertionError("only %d of %d faults came about" % (cls.fired, cls.ran))


def test_of(path):
    def test(self):
        self.play(path)
    test.__doc__ = "%s with faults" % path.stem
    return test


for case in sorted((run.HERE / "cases").glob("*.txt")):
    setattr(Failing, "test_" + case.stem, test_of(case))


if __name__ == "__main__":
    unittest.main()
