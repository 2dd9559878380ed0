# SPDX-License-Identifier: Apache-2.0
"""The command line as people see it: commands with what they print.

    run.py [--update] [CASE...]

A case is a text file. A line that begins with `$ ` is a command, run by sh in a fresh directory of the
case; what follows is what it must print: lines of stdout as they are, lines of stderr behind `2| `,
and `? N` where the exit code is not 0. Lines that begin with `% ` are remarks. --update writes what
was printed instead; look at the difference before you keep it.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
AVOW = os.environ.get("AVOW", "avow")
LIMIT_S = 60


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


def run(command, home):
    done = subprocess.run(["sh", "-c", command], cwd=home + "/work", env=environment(home),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT_S)
    clean = lambda b: b.decode().replace(home, "HOME").splitlines()
    lines = clean(done.stdout) + ["2| " + line for line in clean(done.stderr)]
    return lines + (["? %d" % done.returncode] if done.returncode else [])


def play(path):
    """The case's text with what its commands print now."""
    out = []
    with tempfile.TemporaryDirectory() as home:
        os.mkdir(home + "/bin")
        os.mkdir(home + "/work")
        os.symlink(os.path.abspath(AVOW), home + "/bin/avow")
        for command, lines in parse(path.read_text()):
            remarks = [line for line in lines if line.startswith("% ") or not line]
            if command is None:
                out += lines
                continue
            out.append("$ " + command)
            out += run(command, home)
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
        for name in self.commands():
            for example in self.examples(name):
                with self.subTest(example=example):
                    own = re.search(r"avow [^|()]*", example).group(0)
                    command = 'avow() { "%s" "$@" --help; }; %s >/dev/null' % (AVOW, own)
                    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                                          stdin=subprocess.DEVNULL, timeout=LIMIT_S)
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
