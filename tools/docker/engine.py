# SPDX-License-Identifier: Apache-2.0
"""A container engine, and a base image of Debian 12, on a machine that has neither."""
import os
import re
import subprocess
import tempfile
import time

SUITE = "bookworm"
BASE = "avow-base:" + SUITE
START_S = 60
# what dockerd is started with, in turn, until one of them works: not every kernel can do all of it
WAYS = [[], ["--iptables=false", "--bridge=none"],
        ["--iptables=false", "--bridge=none", "--storage-driver=vfs"]]


def run(*words, **more):
    return subprocess.run(words, check=True, text=True, **more)


def output(*words, **more):
    return run(*words, stdout=subprocess.PIPE, **more).stdout


def answers():
    return subprocess.run(["/usr/bin/docker", "version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


class Engine:
    """The engine that runs here; where none does, one of our own, in a folder that goes with it."""

    def __init__(self):
        self.process = None
        self.folder = None

    def __enter__(self):
        if not answers():
            self.start()
        return self

    def start(self):
        self.folder = tempfile.TemporaryDirectory(prefix="avow-engine-")
        os.environ["DOCKER_HOST"] = "unix://%s/sock" % self.folder.name
        for way in WAYS:
            if self.try_way(way):
                print("started an engine: dockerd", *way)
                return
        with open(self.folder.name + "/log", encoding="utf-8") as log:
            raise SystemExit("dockerd does not start here:\n" + log.read()[-3000:])

    def try_way(self, way):
        at = self.folder.name
        with open(at + "/log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/dockerd", "--data-root", at + "/data", "--exec-root", at + "/exec",
                 "--pidfile", at + "/pid", "-H", os.environ["DOCKER_HOST"], *way],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            if answers():
                return True
            time.sleep(0.2)
        self.stop()
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self.process = None

    def __exit__(self, *_):
        self.stop()
        if self.folder:
            with open("/proc/self/mounts", encoding="utf-8") as mounts:
                left = [line.split()[1] for line in mounts if self.folder.name in line]
            for path in reversed(left):
                run("umount", "-l", path)
            self.folder.cleanup()


def mirror():
    """Where this machine's own apt gets Debian 12's main archive from."""
    targets = output("apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI) $(CODENAME)",
                     "Created-By: Packages", "Component: main")
    for line in targets.splitlines():
        m = re.fullmatch(r"(\S+) (\S+) %s" % SUITE, line)
        if m:
            return m.group(2)
    raise SystemExit("apt on this machine has no source for Debian %s, so there is nothing to "
                     "make a base image from; give one: --base IMAGE" % SUITE)


def copy_sources(to):
    """Packages inside come from where they come from outside: sources, and how to reach them."""
    for name in ("sources.list", "sources.list.d", "keyrings", "trusted.gpg.d", "preferences.d"):
        if os.path.exists("/etc/apt/" + name):
            run("cp", "-r", "/etc/apt/" + name, to + "/etc/apt/")
    if os.path.exists("/usr/share/keyrings"):
        run("cp", "-r", "/usr/share/keyrings", to + "/usr/share/")
    settings = [line for line in output("apt-config", "dump", "Acquire").splitlines()
                if re.match(r'Acquire::(https?::)?(Proxy|Check-|Retries|AllowInsecure)', line)]
    with open(to + "/etc/apt/apt.conf.d/99host", "w", encoding="utf-8") as f:
        f.write("\n".join(settings) + "\n")


def base_image():
    """The name of an image of Debian 12, made here by debootstrap where there is none yet."""
    if output("/usr/bin/docker", "images", "-q", BASE).strip():
        return BASE
    with tempfile.TemporaryDirectory(prefix="avow-base-") as folder:
        print("making a base image by debootstrap …", flush=True)
        run("debootstrap", "--variant=minbase", SUITE, folder, mirror(), stdout=subprocess.DEVNULL)
        copy_sources(folder)
        tar = subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE)
        run("/usr/bin/docker", "import", "-", BASE, stdin=tar.stdout, stdout=subprocess.DEVNULL)
        if tar.wait():
            raise SystemExit("tar failed")
    return BASE
