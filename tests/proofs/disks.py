# SPDX-License-Identifier: Apache-2.0
"""
File systems in files, loop-mounted, in a mount namespace that dies with the proof.

Needs root, loop devices, and the tools of xfs and ext4; where one is missing the proof is not run,
and says so.
"""
import os
import shutil
import subprocess
import sys
import time

import proof


def need(*tools):
    if os.geteuid() != 0:
        raise proof.NotRun("mounting file systems needs root")
    if os.environ.get("PROOF_NAMESPACE") is None:
        raise proof.NotRun("the system gives no mount namespace, by `unshare --mount`")
    for tool in tools:
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin") is None:
            raise proof.NotRun("`%s` is not installed" % tool)
    if not os.path.exists("/dev/loop-control"):
        raise proof.NotRun("there are no loop devices")


OWN = ["unshare", "--mount", "--propagation", "private"]


def own_namespace():
    """
    Run this program again where its mounts are nobody else's; they go when it ends. Where the system
    refuses, as in a chroot or a container, `need` says so.
    """
    if os.geteuid() != 0 or os.environ.get("PROOF_NAMESPACE") or not shutil.which("unshare"):
        return
    if subprocess.run([*OWN, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["PROOF_NAMESPACE"] = "1"
        os.execvp(OWN[0], [*OWN, sys.executable, *sys.argv])


def run(*argv):
    """Run a tool; NotRun where it refuses, as a kernel without this file system does."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False,
                          env=dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin"))
    if done.returncode:
        raise proof.NotRun("`%s` failed: %s" % (" ".join(argv), done.stderr.strip()))


def make(path, kind, size, *options):
    """A file of `size` bytes with a file system in it."""
    with open(path, "wb") as f:
        f.truncate(size)
    run("mkfs." + kind, "-q", *options, path)


def mount(image, directory, *options):
    os.makedirs(directory, exist_ok=True)
    run("mount", "-o", ",".join(("loop",) + options), image, directory)


def unmount(directory):
    """Whoever ends may hold it for a moment."""
    for _ in range(200):
        done = subprocess.run(["umount", directory], capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.01)
    raise proof.NotRun("cannot unmount %s: %s" % (directory, done.stderr))
