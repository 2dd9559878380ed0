# SPDX-License-Identifier: Apache-2.0
"""The files of a source tree, and how a rule reports what it finds."""
import os
import sys

SKIPPED = {".git", "build", "__pycache__", "node_modules"}


def files(root, *endings):
    """Relative paths of all files that we write, in order; with endings: only those."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(names):
            if name not in SKIPPED and (not endings or name.endswith(endings)):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return found


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read().splitlines()


def code_only(text_lines):
    """The same lines of C with comments, texts and characters blanked: what is left is code."""
    out, in_comment = [], False
    for line in text_lines:
        kept, i = [], 0
        while i < len(line):
            if in_comment:
                end = line.find("*/", i)
                in_comment = end < 0
                i = len(line) if end < 0 else end + 2
            elif line.startswith("/*", i):
                in_comment, i = True, i + 2
            elif line.startswith("//", i):
                break
            elif line[i] in "\"'":
                quote, i = line[i], i + 1
                while i < len(line) and line[i] != quote:
                    i += 2 if line[i] == "\\" else 1
                kept.append(quote * 2)
                i += 1
            else:
                kept.append(line[i])
                i += 1
        out.append("".join(kept))
    return out


def main(check):
    """Run a checker over the tree given on the command line; print what it finds."""
    found = list(check(sys.argv[1]))
    for problem in found:
        print(problem)
    print("%d found" % len(found))
    return 1 if found else 0
