# SPDX-License-Identifier: Apache-2.0
"""
File systems in files, loop-mounted, in a mount namespace that dies with the proof.

Needs root, loop devices, and the tools of xfs and ext4; where one is missing the proof is not run,
and says so.
"""
import ctypes
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import time

import proof

# of linux/fs.h and linux/loop.h
FICLONE = 0x40049409
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LOOP_AUTOCLEAR = 0x4C82, 0x4C0A, 4
LOOP_CONFIG = struct.Struct("II52xI240x") # file, size of blocks (0: as it is), flags
TRIES = 200


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


def copy(image, path):
    """What the file system in `image` holds at this instant, as a file that shares its blocks."""
    with open(image, "rb") as source, open(path, "wb") as target:
        fcntl.ioctl(target, FICLONE, source.fileno())


def libc(call, *arguments):
    if getattr(LIBC, call)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), call)


LIBC = ctypes.CDLL(None, use_errno=True)


def loop_of(image):
    """A loop device with this file in it, which the device leaves when nobody has it open any more."""
    with open(image, "r+b") as file, open("/dev/loop-control", "r+b", buffering=0) as control:
        for _ in range(TRIES):
            path = "/dev/loop%d" % fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            device = os.open(path, os.O_RDWR)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, LOOP_CONFIG.pack(file.fileno(), 0, LOOP_AUTOCLEAR))
                return device, path
            except OSError as e: # somebody else was quicker
                os.close(device)
                if e.errno != errno.EBUSY:
                    raise
    raise proof.NotRun("there is no free loop device")


def mount_quickly(image, kind, directory):
    """The same as `mount`, without starting a program, for what is done thousands of times."""
    os.makedirs(directory, exist_ok=True)
    device, path = loop_of(image)
    try:
        libc("mount", path.encode(), directory.encode(), kind.encode(), 0, None)
    finally:
        os.close(device)


def unmount(directory):
    """Whoever ends may hold it for a moment."""
    for _ in range(TRIES):
        try:
            return libc("umount2", directory.encode(), 0)
        except OSError as e:
            failed = e
            time.sleep(0.01)
    raise proof.NotRun("cannot unmount %s: %s" % (directory, failed))
