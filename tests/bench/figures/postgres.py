# SPDX-License-Identifier: Apache-2.0
"""
PostgreSQL by hand: a cluster of its own in a temporary directory, on a unix socket there, as a user
without rights; ended by its own pg_ctl.
"""
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

PLACES = "/usr/lib/postgresql/15/bin"
USER = "postgres" # of the package; whoever runs this where that is not root
# what a database of its own machine would be given; nothing here is about durability
SETTINGS = {"listen_addresses": "", "shared_buffers": "1GB", "work_mem": "64MB",
            "maintenance_work_mem": "256MB", "effective_cache_size": "4GB",
            "random_page_cost": "1.1", "jit": "off", "max_wal_size": "4GB", "fsync": "off"}


def there():
    return os.path.exists(os.path.join(PLACES, "pgbench"))


class Postgres:
    """A server that runs while the `with` lasts, with these settings beside those above."""

    def __init__(self, **settings):
        self.settings = {**SETTINGS, **settings}
        self.dir = tempfile.mkdtemp(prefix="avow-pg-")
        self.data = os.path.join(self.dir, "data")
        self.as_user = []
        if os.getuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", "--reuid=%s" % USER, "--regid=%d" % user.pw_gid,
                            "--init-groups"]

    def run(self, program, *args, **more):
        done = subprocess.run([*self.as_user, os.path.join(PLACES, program), *args], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.dir,
                              stderr=subprocess.STDOUT, env={"LC_ALL": "C.UTF-8", **os.environ},
                              **more)
        if done.returncode:
            raise RuntimeError("%s: %s" % (program, done.stdout))
        return done.stdout

    def __enter__(self):
        try:
            self.make()
            words = " ".join("-c %s='%s'" % s for s in self.settings.items())
            self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.dir, "log"),
                     "-o", "-k %s %s" % (self.dir, words), "start")
        except BaseException:
            self.close()
            raise
        return self

    def make(self):
        self.run("initdb", "-D", self.data, "-U", "bench", "-A", "trust", "--no-sync")

    def __exit__(self, *_):
        self.close()

    def close(self):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def sql(self, *args):
        return self.run("psql", "-h", self.dir, "-U", "bench", "-d", "postgres", "-X", "-q",
                        "-At", "-v", "ON_ERROR_STOP=1", *args)

    def load(self, schema, indexes, rows):
        """A table of these rows, as a database has it that has had time to settle."""
        self.sql("-f", schema)
        # psql reads the file as its own user; the pipe spares it the rights
        with open(rows, "rb") as f:
            subprocess.run([*self.as_user, os.path.join(PLACES, "psql"), "-h", self.dir, "-U",
                            "bench", "-d", "postgres", "-X", "-q", "-c", "COPY event FROM STDIN"],
                           stdin=f, check=True, cwd=self.dir)
        self.sql("-f", indexes)
        self.sql("-c", "VACUUM (ANALYZE, FREEZE) event")

    def version(self):
        return self.sql("-c", "SHOW server_version").strip()

    def time(self, script, count, **variables):
        """Microseconds of each run of a script with prepared statements, from send to answer."""
        place = tempfile.mkdtemp(dir=self.dir)
        if self.as_user:
            os.chmod(place, 0o777)
        copy = os.path.join(place, "script.sql")
        shutil.copy(script, copy)
        os.chmod(copy, 0o644)
        settings = [w for k, v in variables.items() for w in ("-D", "%s=%s" % (k, v))]
        # twice as many, of which the first half only warms up
        self.run("pgbench", "-h", self.dir, "-U", "bench", "-n", "-M", "prepared", "-f", copy,
                 "-t", str(2 * count), "--random-seed=1", "-l",
                 "--log-prefix=%s" % os.path.join(place, "times"), *settings, "postgres")
        times = []
        for path in glob.glob(os.path.join(place, "times*")):
            with open(path) as f:
                times += [int(line.split()[2]) for line in f]
        return times[count:]
