# SPDX-License-Identifier: Apache-2.0
"""Negative controls: each rule, shown a tree with that very mistake planted, names it."""
import os
import sys
import tempfile
import unittest

import check_form
import check_layers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "mutants"))

import museum

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
CLEAN = {
    "proto/msg.h": SPDX + "/* The size of a message, in bytes. */\nunsigned msg_size(void);\n",
    "store/log.h": SPDX + '#include "proto/msg.h"\n',
    "services/shared/port.c": SPDX + '#include <zmq.h>\n#include "proto/msg.h"\n',
    "services/ledger/loop.c": SPDX + '#include <stdio.h>\n#include "store/log.h"\n',
    "services/query/loop.h": SPDX,
    **{folder + "/README.md": "# %s\n\nWhat it is.\n\nIt must never know x.\n" % folder
       for folder in ("proto", "store", "services", "tools", "tests")},
    "CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\nproject(avow LANGUAGES C)\n",
}


def found(checker, planted):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **planted}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        return list(checker.check(root))


class Rules(unittest.TestCase):
    def caught(self, checker, path, text, words):
        problems = found(checker, {path: text})
        self.assertEqual(len(problems), 1, problems)
        self.assertTrue(problems[0].startswith(path.split("/")[0]), problems)
        self.assertIn(words, problems[0])

    def test_a_mutant_whose_place_is_gone_is_named(self):
        text = "Mistake: m\nPromise: p\nKiller: unit/k\nFile: x.c\n\n<<<<<<<\nold\n=======\nnew\n>>>>>>>\n"
        mutant = museum.Mutant("m", text)
        with tempfile.TemporaryDirectory() as root:
            self.assertIn("No such file", "".join(museum.misplaced([mutant], root)))
            for source, times in (("", 0), ("old\n", 1), ("old\nold\n", 2)):
                with open(os.path.join(root, "x.c"), "w", encoding="utf-8") as f:
                    f.write(source)
                problems = list(museum.misplaced([mutant], root))
                self.assertEqual(problems == [], times == 1, problems)

    def test_a_clean_tree_passes(self):
        self.assertEqual(found(check_layers, {}), [])
        self.assertEqual(found(check_form, {}), [])

    def test_proto_may_not_include_store(self):
        self.caught(check_layers, "proto/x.c", SPDX + '#include "store/log.h"\n',
                    "proto must not know store")

    def test_one_service_may_not_include_another(self):
        self.caught(check_layers, "services/ledger/x.c",
                    SPDX + '#include "services/query/loop.h"\n',
                    "services/ledger must not know services/query")

    def test_ingest_may_not_include_store(self):
        self.caught(check_layers, "services/ingest/x.c", SPDX + '#include "store/log.h"\n',
                    "services/ingest must not know store")

    def test_a_library_stays_in_the_file_that_hides_it(self):
        for header in ("zmq.h", "lmdb.h", "msgpack.h", "jansson.h", "yajl/yajl_parse.h"):
            self.caught(check_layers, "services/ledger/x.c", SPDX + "#include <%s>\n" % header,
                        "belongs to")

    def test_a_library_that_no_file_hides_is_named(self):
        self.caught(check_layers, "store/x.c", SPDX + "#include <sqlite3.h>\n", "no file hides")

    def test_an_include_is_named_from_the_root(self):
        self.caught(check_layers, "store/x.c", SPDX + '#include "log.h"\n', "is no file")

    def test_a_file_without_licence_is_named(self):
        self.caught(check_form, "store/x.c", "int x;\n", "SPDX")
        self.caught(check_form, "tools/x", "#!/bin/sh\necho\n", "SPDX")

    def test_a_long_file_is_named(self):
        self.caught(check_form, "store/x.c", SPDX + "int x;\n" * 900, "901 lines")

    def test_a_long_line_is_named(self):
        self.caught(check_form, "store/x.c", SPDX + "/*" + "x" * 119 + "*/\n", "123 columns")

    def test_a_long_function_is_named(self):
        body = "int f(void)\n{\n%s}\n"
        self.assertEqual(found(check_form, {"store/x.c": SPDX + body % ("\tf();\n" * 70)}), [])
        self.caught(check_form, "store/x.c", SPDX + body % ("\tf();\n" * 71), "71 lines")

    def test_an_undocumented_function_is_named(self):
        self.caught(check_form, "store/x.h", SPDX + "\nint f(void);\n", "f() is not documented")
        self.caught(check_form, "store/x.h",
                    SPDX + "/* What f does. */\nint f(void);\n\nint g(int a,\n      int b);\n",
                    "g() is not documented")
        self.caught(check_form, "store/x.h",
                    SPDX + "\nstatic inline int f(void)\n{\n\treturn 1;\n}\n",
                    "f() is not documented")

    def test_a_group_shares_its_comment(self):
        self.assertEqual(found(check_form, {
            "store/x.h": SPDX + "/* Begin and end. */\nint f(void);\nint g(int a,\n      int b);\n"
        }), [])

    def test_a_folder_that_does_not_say_what_it_must_not_know_is_named(self):
        self.caught(check_form, "store/README.md", "# store\n\nWhat it is.\n", "must never know")
        self.caught(check_form, "store/README.md", "# store\n\nMust never know x.\n\nMore.\n",
                    "must never know")

    def test_an_address_to_fetch_from_is_named(self):
        for path in ("CMakeLists.txt", "tools/run", "tools/docker/prove"):
            self.caught(check_form, path,
                        "# SPDX-License-Identifier: Apache-2.0\n# https" + "://example.org/x\n",
                        "address")


if __name__ == "__main__":
    unittest.main()
