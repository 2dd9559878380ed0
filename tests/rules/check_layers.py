# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, and which file hides each library.

    check_layers.py ROOT

A new layer, or another library, is a line in these tables and a sentence in the commit.
"""
import fnmatch
import os
import re
import sys

import tree

# folder: the folders whose headers it may include, besides its own
LAYERS = {
    "proto": [],
    "store": ["proto"],
    "services/shared": ["proto"],
    "services/fold": ["proto"],
    "services/ledger": ["proto", "store", "services/shared"],
    "services/ingest": ["proto", "services/shared"],
    "services/query": ["proto", "store", "services/shared", "services/fold"],
    "services/gateway": ["proto", "services/shared"],
    "tools": ["proto", "services/*"],
    "tests": ["proto", "store", "services/*", "tools"],
}

# a library's header: the files that hide it
VENDORS = {
    "zmq.h": ["services/shared/port.c", "services/shared/client.c",
              "tests/unit/test_port.c", "tests/bench/side/zeromq.c"],
    "lmdb.h": ["store/lm*.[ch]", "tests/bench/side/rows.c", "tests/unit/failing.c"],
    "msgpack.h": ["proto/pack.c", "tests/*"],
    "yajl/yajl_common.h": ["proto/json_memory.h"],
    "yajl/yajl_gen.h": ["proto/json_write.c"],
    "yajl/yajl_parse.h": ["proto/json_tree.c"],
    "jansson.h": ["tests/*"],
    "utf8proc.h": ["proto/text.c"],
    "sodium.h": ["proto/uuid.c"],
    "openssl/sha.h": ["proto/leaf.c"],
    "xxhash.h": ["store/*.c", "tools/spool.c"],
    "csv.h": ["tools/csv.c"],
    "libsmartcols.h": ["tools/table.c"],
    "libsmartcols/libsmartcols.h": ["tools/table.c"],
    "ini.h": ["tools/inifile.c"],
    "cmocka.h": ["tests/*"],
}

# what C, POSIX and Linux give everybody
SYSTEM = re.compile(
    r"(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal"
    r"|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath"
    r"|threads|time|uchar|wchar|wctype"
    r"|dirent|dlfcn|endian|fcntl|fnmatch|ftw|getopt|glob|langinfo|libgen|link|malloc|poll|pthread|pwd|sched"
    r"|semaphore|spawn|strings|sysexits|syslog|termios|unistd|wordexp"
    r"|(arpa|linux|net|netinet|sys)/\w+)\.h")

INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')


def layer_of(path):
    inside = [folder for folder in LAYERS if path.startswith(folder + "/")]
    return max(inside, key=len, default=None)


def ours(root, path, name):
    """What is wrong with including our own header `name` from `path`; None if nothing is."""
    if not os.path.exists(os.path.join(root, name)):
        return 'includes "%s", which is no file: name it from the root of the tree' % name
    here, there = layer_of(path), layer_of(name)
    if here is None or there is None:
        return 'includes "%s", and one of the two is in no layer' % name
    if here == there or any(fnmatch.fnmatch(there, allowed) for allowed in LAYERS[here]):
        return None
    return 'includes "%s": %s must not know %s' % (name, here, there)


def theirs(path, name):
    """What is wrong with including the library header `name` from `path`; None if nothing is."""
    if SYSTEM.fullmatch(name):
        return None
    if name not in VENDORS:
        return "includes <%s>, a library that no file hides yet" % name
    if any(fnmatch.fnmatch(path, home) for home in VENDORS[name]):
        return None
    return "includes <%s>, which belongs to %s" % (name, ", ".join(VENDORS[name]))


def check(root):
    for path in tree.files(root, ".c", ".h", ".def"):
        for number, line in enumerate(tree.lines(root, path), 1):
            m = INCLUDE.match(line)
            if not m:
                continue
            name = m.group(2)
            wrong = ours(root, path, name) if m.group(1) == '"' else theirs(path, name)
            if wrong:
                yield "%s:%d: %s" % (path, number, wrong)


if __name__ == "__main__":
    sys.exit(tree.main(check))
