# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts into a prefix, and that it works from there."""
import os
import re
import subprocess
import tempfile
import unittest

BUILD = os.path.dirname(os.path.dirname(os.environ["AVOW"]))


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="avow-install-")
        cls.prefix = cls.folder.name + "/a prefix"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, *parts):
        return os.path.join(self.prefix, *parts)

    def test_the_program_runs_from_there(self):
        out = subprocess.run([self.path("bin/avow"), "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        self.assertRegex(out, r"^avow \d+\.\d+\.\d+\n$")

    def test_the_manual_page_names_every_command(self):
        overview = subprocess.run([self.path("bin/avow"), "help"], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout
        with open(self.path("share/man/man1/avow.1"), encoding="utf-8") as f:
            page = f.read()
        for line in overview.splitlines():
            if line.startswith("  ") and not line.startswith("  avow "):
                self.assertIn(".Ss avow %s\n" % line.split()[0], page)

    def test_bash_can_read_the_completion(self):
        subprocess.run(["bash", "-n", self.path("share/bash-completion/completions/avow")],
                       check=True)

    def test_the_list_of_packages_to_run_is_complete_and_no_longer(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(os.path.join(root, "tools/packages-run.txt"), encoding="utf-8") as f:
            listed = {line.strip() for line in f if not line.startswith("#")}
        output = subprocess.run(["objdump", "-p", self.path("bin/avow")], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        needed = set(re.findall(r"NEEDED +(\S+)", output))
        found = subprocess.run(["ldd", self.path("bin/avow")], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        paths = [os.path.realpath(path) for name, path in re.findall(r"(\S+) => (\S+)", found)
                 if name in needed]
        owners = subprocess.run(["dpkg", "-S", *paths], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout
        packages = {line.split(":")[0] for line in owners.splitlines()}
        # what every Debian has, and what only an instrumented build links
        self.assertEqual(packages - {"libc6", "libasan8", "libubsan1", "libtsan2",
                                     "libmsgpackc2"}, listed)

    def test_licence_protocol_and_examples_are_there(self):
        for name in ("LICENSE", "README.md", "CHANGELOG.md", "PROTOCOL.md", "examples/first.py"):
            self.assertTrue(os.path.exists(self.path("share/doc/avow", name)), name)
        self.assertTrue(os.path.exists(self.path("share/avow/maps/crunchbase-2015.map")))


if __name__ == "__main__":
    unittest.main()
