# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts into a prefix, and that it works from there."""
import os
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

    def test_licence_protocol_and_examples_are_there(self):
        for name in ("LICENSE", "CHANGELOG.md"):
            self.assertTrue(os.path.exists(self.path("share/doc/avow", name)), name)


if __name__ == "__main__":
    unittest.main()
