# SPDX-License-Identifier: Apache-2.0
"""Licence headers, sizes, documented functions, and no place to download from.

    check_form.py ROOT
"""
import os
import re
import sys

import tree

FILE_LINES_MAX = 900
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 120 # we write for 100; a line that reads better whole may go on
TAB = 8

FOLDERS = ("proto", "store", "services", "tools", "tests")

LICENCE = "SPDX-License-Identifier: Apache-2.0"
# files that cannot hold a comment, or say it in their own way
NO_LICENCE = re.compile(r"(^|/)(LICENSE|\.clang-format|\.gitignore|\.dockerignore)$"
                        r"|\.(json|jsonl|csv|tsv|txt|md|hex|bin|expected|ini|map|svg|png)$"
                        r"|^tests/(data|golden|corpus)/")

# where what is built or run could be told to fetch from: no address belongs in there
RECIPES = re.compile(r"(^|/)(Dockerfile|CMakeLists\.txt|CMakePresets\.json|docker-compose\.yml"
                     r"|package(-lock)?\.json|\.npmrc|requirements\.txt|packages.*\.txt)$"
                     r"|\.cmake$|^\.ci/|^tools/[a-z]+$|^tools/docker/")
ADDRESS = re.compile(r"\b(https?|ftp|git|ssh)://|\bgit@|--(extra-)?index-url|\bregistry\s*=")


def licence(path, text):
    if NO_LICENCE.search(path) or not text:
        return
    at = 1 if text[0].startswith("#!") else 0
    if len(text) <= at or LICENCE not in text[at]:
        yield 1, "the first line must hold '%s'" % LICENCE


def sizes(path, text):
    if not path.endswith((".c", ".h", ".py")):
        return
    if len(text) > FILE_LINES_MAX:
        yield len(text), "the file has %d lines, %d are allowed" % (len(text), FILE_LINES_MAX)
    for number, line in enumerate(text, 1):
        columns = len(line.expandtabs(TAB))
        if columns > COLUMNS_MAX:
            yield number, "the line has %d columns, %d are allowed" % (columns, COLUMNS_MAX)


def functions(path, text):
    """Bodies begin with a brace in the first column and end with one."""
    if not path.endswith((".c", ".h")):
        return
    begin = 0
    for number, line in enumerate(tree.code_only(text), 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin:
            size = number - begin - 1
            if size > FUNCTION_LINES_MAX:
                yield begin, "the function has %d lines, %d are allowed" % (
                    size, FUNCTION_LINES_MAX)
            begin = 0


PROTOTYPE = re.compile(r"^(?!typedef\b|#|extern\s+const\b|_Static_assert\b|return\b|else\b)"
                       r"[A-Za-z_][\w\s\*]*?\b(\w+)\s*\(")


def documented(path, text):
    """
    Each declaration of a function in a header has a comment above it, or above the group of lines,
    without an empty one in between, that it stands in. Tests' own helpers are read with their use.
    """
    if not path.endswith(".h") or path.startswith("tests/"):
        return
    code, depth, macro, statement = tree.code_only(text), 0, False, True
    explained = False
    for number, (line, plain) in enumerate(zip(text, code), 1):
        is_macro, macro = macro or plain.lstrip().startswith("#"), line.endswith("\\")
        if not line.strip():
            explained = False
        elif not plain.strip():
            explained = True
        if is_macro or not plain.strip():
            continue
        m = PROTOTYPE.match(plain)
        if depth == 0 and statement and m and not explained:
            yield number, "%s() is not documented: put a comment above it" % m.group(1)
        depth += plain.count("{") - plain.count("}")
        statement = plain.rstrip().endswith((";", "}")) and depth == 0


def addresses(path, text):
    if not RECIPES.search(path):
        return
    for number, line in enumerate(text, 1):
        if ADDRESS.search(line):
            yield number, "names an address to fetch from; packages come from the system's sources"


def readmes(root):
    """A folder that holds a layer says in its first sentence what it is, and last what it must not know."""
    for folder in FOLDERS:
        path = folder + "/README.md"
        if not os.path.isdir(os.path.join(root, folder)):
            continue
        if not os.path.exists(os.path.join(root, path)):
            yield path, "is missing: each of %s has one" % ", ".join(FOLDERS)
            continue
        paragraphs = "\n".join(tree.lines(root, path)).strip().split("\n\n")
        if "must never know" not in paragraphs[-1]:
            yield path, "must end with what this folder must never know"


# what the top of the repository holds, and nothing else
TOP = {*FOLDERS, "cmake", "docs", ".ci", "CMakeLists.txt", "CMakePresets.json", "docker-compose.yml",
       "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}


def top(path, _):
    first = path.split("/")[0]
    if first not in TOP and not (first.startswith(".") and first == path):
        yield 1, "it does not belong at the top of the repository"


def check(root):
    for path, wrong in readmes(root):
        yield "%s:1: %s" % (path, wrong)
    for path in tree.files(root):
        try:
            text = tree.lines(root, path)
        except UnicodeDecodeError:
            continue # not a text: nothing here reads it
        for rule in (top, licence, sizes, functions, documented, addresses):
            for number, wrong in rule(path, text):
                yield "%s:%d: %s" % (path, number, wrong)


if __name__ == "__main__":
    sys.exit(tree.main(check))
