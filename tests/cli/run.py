# SPDX-License-Identifier: Apache-2.0
"""The command line as people see it: commands with what they print.

    run.py [--update] [CASE...]

A case is a text file. A line that begins with `$ ` is a command, run by sh in a fresh directory of the
case; what follows is what it must print: lines of stdout as they are, lines of stderr behind `2| `,
and `? N` where the exit code is not 0. Lines that begin with `% ` are remarks. --update writes what
was printed instead; look at the difference before you keep it.

A case whose first line is `% with the sample deals` has services of its own that hold them. What no
two runs have the same is written as TIME, HASH, LEDGER, N ms. `$CASES/tty 80 avow …` is what a terminal
of 80 columns shows.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 300
WITH_DEALS = "% with the sample deals"
DEALS = HERE.parent.parent / "tools" / "demo" / "ai-deals.jsonl"
MAP = HERE.parent.parent / "tools" / "maps" / "crunchbase-2015.map"
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NEVER_THE_SAME = (
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"), (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"\b\d+ ms$", "N ms"), (r"(\bledger\W{1,3})" + UUID, r"\1LEDGER"))

sys.path.insert(0, str(HERE.parent))
import avowtest

AVOW = avowtest.program()


def parse(text):
    """Pairs of a command (or None for remarks) and the lines behind it."""
    blocks = [(None, [])]
    for line in text.splitlines():
        if line.startswith("$ "):
            blocks.append((line[2:], []))
        else:
            blocks[-1][1].append(line)
    return blocks


def environment(home):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("AVOW", "XDG_")) and k not in ("NO_COLOR", "COLUMNS")}
    env.update(HOME=home, PATH=home + "/bin:" + env.get("PATH", "/usr/bin:/bin"), LC_ALL="C.UTF-8",
               TZ="UTC", CASES=str(HERE))
    return env


def clean(output, home):
    for line in output.decode().replace(home, "HOME").splitlines():
        for pattern, word in NEVER_THE_SAME:
            line = re.sub(pattern, word, line)
        yield line


def run(command, home, env):
    done = subprocess.run(["sh", "-c", command], cwd=home + "/work", env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT_S)
    lines = [*clean(done.stdout, home), *("2| " + line for line in clean(done.stderr, home))]
    return lines + (["? %d" % done.returncode] if done.returncode else [])


@contextlib.contextmanager
def services(text):
    """What the commands of a case need in their environment to find the sample deals."""
    if not text.startswith(WITH_DEALS):
        yield {}
        return
    with avowtest.Avow() as avow:
        avow.cli("publish", str(DEALS), check=0)
        count = len(DEALS.read_text().splitlines())
        avow.ask("query", "get", seq=count, min_seq=count)
        yield {"AVOW_DIR": avow.dir}


def play(path):
    """The case's text with what its commands print now."""
    out, text = [], path.read_text()
    with tempfile.TemporaryDirectory() as home, services(text) as found:
        os.mkdir(home + "/bin")
        os.mkdir(home + "/work")
        os.symlink(os.path.abspath(AVOW), home + "/bin/avow")
        for command, lines in parse(text):
            remarks = [line for line in lines if line.startswith("% ") or not line]
            if command is None:
                out += lines
                continue
            out.append("$ " + command)
            out += run(command, home, {**environment(home), **found})
            out += remarks[:1] if lines and not lines[-1] else []
            out += [line for line in remarks if line.startswith("% ")]
    return "\n".join(out) + "\n"


class Cases(unittest.TestCase):
    maxDiff = None


def test_of(path):
    def test(self):
        self.assertEqual(path.read_text(), play(path))
    test.__doc__ = "%s prints what it printed" % path.stem
    return test


for case in sorted((HERE / "cases").glob("*.txt")):
    setattr(Cases, "test_" + case.stem, test_of(case))


class Help(unittest.TestCase):
    def avow(self, *args):
        return subprocess.run([AVOW, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=LIMIT_S)

    def commands(self):
        names = [line.split()[0] for line in self.avow("help").stdout.splitlines()
                 if line.startswith("  ") and not line.startswith("  avow")]
        self.assertGreater(len(names), 20)
        return names

    def examples(self, name):
        page = self.avow("help", name).stdout
        self.assertTrue(page.startswith("avow %s: " % name))
        block = page.split("\n\n")[1].splitlines()
        self.assertEqual(block[0], "examples", "examples come first in help of " + name)
        return [line.strip() for line in block[1:]]

    def test_every_command_has_help_with_examples_that_parse(self):
        with tempfile.TemporaryDirectory() as home: # some write into a file
            for name in self.commands():
                for example in self.examples(name):
                    with self.subTest(example=example):
                        own = re.search(r"avow [^|()]*", example).group(0)
                        command = 'avow() { "%s" "$@" --help; }; %s >/dev/null' % (
                            os.path.abspath(AVOW), own)
                        done = subprocess.run(["bash", "-c", command], capture_output=True,
                                              text=True, cwd=home, stdin=subprocess.DEVNULL,
                                              timeout=LIMIT_S)
                        self.assertEqual(done.stderr, "")

    def test_every_example_of_a_write_verb_makes_a_valid_event(self):
        for name in self.commands():
            if "--dry-run" not in self.avow("help", name).stdout:
                continue
            for example in self.examples(name):
                if name in ("correct", "retract", "import"):
                    continue # they name what is stored; see tests/system/test_cli.py
                with self.subTest(example=example):
                    done = subprocess.run(["bash", "-c", 'avow() { "%s" "$@" --dry-run; }; %s' % (
                        AVOW, example)], capture_output=True, text=True, timeout=LIMIT_S)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_example_of_reading_gives_an_answer(self):
        with services(WITH_DEALS) as found, tempfile.TemporaryDirectory() as home:
            os.mkdir(home + "/bin")
            os.symlink(os.path.abspath(AVOW), home + "/bin/avow")
            shutil.copy(MAP, home)
            for name in ("show", "league", "flows", "history", "diff", "why", "reconcile", "anomalies",
                         "search", "parties", "deals", "rates", "watch", "export", "status",
                         "explain"):
                for example in self.examples(name):
                    # one that follows for ever ends when nothing came for a while
                    endless = name == "watch" and "--count" not in example
                    command = example + (" --timeout 3s" if endless else "")
                    with self.subTest(example=example):
                        done = subprocess.run(["bash", "-c", command], cwd=home, capture_output=True,
                                              env={**environment(home), **found}, text=True,
                                              stdin=subprocess.DEVNULL, timeout=LIMIT_S)
                        self.assertEqual(done.returncode, 6 if endless else 0, done.stderr)
                        self.assertTrue(done.stdout or ">" in example)

    def test_completion_is_a_script_that_bash_reads(self):
        script = self.avow("completion", "bash").stdout
        done = subprocess.run(["bash", "-c", script + '\nCOMP_WORDS=(avow pub); COMP_CWORD=1; '
                               '_avow; echo "${COMPREPLY[@]}"'], capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), ["publish"])


def update(names):
    for path in sorted((HERE / "cases").glob("*.txt")):
        if not names or path.stem in names:
            path.write_text(play(path))


if __name__ == "__main__":
    if "--update" in sys.argv:
        update([a for a in sys.argv[1:] if a != "--update"])
    else:
        unittest.main(verbosity=2)
