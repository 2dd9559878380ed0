# SPDX-License-Identifier: Apache-2.0
"""
What was measured, as tables that a stranger reads at a glance: the goals with what they came to,
then every number behind them; and the machine that it was measured on.
"""
import json
import os
import platform
import statistics
import subprocess


def median(values):
    return statistics.median(values)


def short(value, unit):
    """1,234,567/s; 12.3 µs; 4.5 ms."""
    if unit == "us" and value >= 10000:
        return "%.1f ms" % (value / 1000)
    if unit == "us":
        return "%.1f µs" % value
    if unit == "x":
        return "%.2f" % value
    if unit == "s":
        return "%.2f s" % value
    return "{:,.0f}{}".format(value, unit)


class Report:
    def __init__(self):
        self.goals, self.numbers, self.notes, self.texts = [], [], [], []

    def number(self, work, form, who, results):
        """Keep what the rounds of one load came to; gives the medians."""
        rates = [r["events"] * 1e6 / r["elapsed_us"] for r in results]
        kept = {"work": work, "form": form, "who": who, "rounds": len(results),
                "per_s": median(rates), "per_s_min": min(rates), "per_s_max": max(rates),
                "busy": sum(r.get("busy", 0) for r in results)}
        for name in ("p50_us", "p95_us", "p99_us", "max_us"):
            if name in results[0]:
                kept[name] = median([r[name] for r in results])
        if "cpu_us" in results[0]:
            kept["load_cpu"] = median([r["cpu_us"] / r["elapsed_us"] for r in results])
        if "peer_cpu_us" in results[0]:
            kept["peer_cpu_us"] = median([r["peer_cpu_us"] / max(1, r["events"]) for r in results])
        self.numbers.append(kept)
        return kept

    def goal(self, work, beside, value, other, limit, unit="/s", at_least=True, extra=None, least=None):
        """One row of the goals: `value` is Avow's, `other` what it is divided by. `least`: what the
        least that could do this work here came to, and its name: who misses a goal that this misses
        as well has met the machine's limit."""
        def reached(r):
            return r >= limit if at_least else r <= limit

        ratio = value / other if other else float("inf")
        row = {"work": work, "beside": beside, "avow": value, "other": other, "unit": unit,
               "ratio": ratio, "limit": limit, "at_least": at_least, "met": reached(ratio),
               "extra": extra or ""}
        if least:
            row["least"], row["least_ratio"] = least[1], least[0] / other
            row["beyond"] = not row["met"] and not reached(row["least_ratio"])
        self.goals.append(row)

    def note(self, text):
        self.notes.append(text)

    def text(self, text):
        """What another program printed, kept as it is."""
        self.texts.append(text.strip())

    # ---- tables ----

    @staticmethod
    def verdict(g):
        """met; MISSED; beyond: the machine's limit, which stands beside it, misses it as well."""
        if g["met"]:
            return "met"
        return "beyond" if g.get("beyond") else "MISSED"

    def goal_rows(self):
        yield "work", "Avow", "beside", "its", "ratio", "goal", "met?", "the limit here", "more"
        for g in self.goals:
            yield (g["work"], short(g["avow"], g["unit"]), g["beside"], short(g["other"], g["unit"]),
                   "%.2f" % g["ratio"], "%s %g" % ("≥" if g["at_least"] else "≤", g["limit"]),
                   self.verdict(g),
                   "%.2f: %s" % (g["least_ratio"], g["least"]) if "least" in g else "", g["extra"])

    def number_rows(self):
        yield "work", "form", "who", "a second", "lowest", "highest", "p50", "p95", "p99", "cpu an event", "load"
        for n in self.numbers:
            def us(name):
                return short(n[name], "us") if name in n else ""
            yield (n["work"], n["form"], n["who"] + (" (busy %d)" % n["busy"] if n["busy"] else ""),
                   short(n["per_s"], ""), short(n["per_s_min"], ""), short(n["per_s_max"], ""),
                   us("p50_us"), us("p95_us"), us("p99_us"), us("peer_cpu_us"),
                   "%.0f %%" % (100 * n["load_cpu"]) if "load_cpu" in n else "")

    def lines(self, environment, markdown=False):
        def table(rows):
            rows = list(rows)
            if markdown:
                yield "| " + " | ".join(rows[0]) + " |"
                yield "|" + " --- |" * len(rows[0])
                yield from ("| " + " | ".join(r) + " |" for r in rows[1:])
                return
            widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
            yield from ("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows)
        for name, value in environment.items():
            yield "%s%s: %s" % ("- " if markdown else "", name, value)
        yield ""
        if self.goals:
            yield from table(self.goal_rows())
            yield ""
        if self.numbers:
            yield from table(self.number_rows())
            yield ""
        for text in self.notes:
            yield ("- " if markdown else "") + text
        for text in self.texts:
            yield "\n```\n%s\n```" % text if markdown else "\n" + text

    def print(self, environment):
        print("\n".join(self.lines(environment)))

    def keep(self, path, environment):
        """PATH.md and PATH.json."""
        with open(path + ".md", "w") as f:
            f.write("# %s\n\n" % os.path.basename(path))
            f.write("\n".join(self.lines(environment, markdown=True)) + "\n")
        self.write(path + ".json", environment)

    def write(self, path, environment):
        with open(path, "w") as f:
            json.dump({"environment": environment, "goals": self.goals, "numbers": self.numbers,
                       "notes": self.notes, "texts": self.texts}, f, indent=1)


# ---- the machine ----

def file_system(path):
    """Device, type and options of the file system that a path lies on."""
    path, best = os.path.realpath(path), ("", "?", "?", "?")
    with open("/proc/mounts") as f:
        for line in f:
            device, place, kind, options = line.split()[:4]
            inside = path == place or path.startswith(place.rstrip("/") + "/")
            if inside and len(place) >= len(best[0]):
                best = (place, device, kind, options)
    return best[1:]


def write_cache(device):
    """What the kernel says of the disk's own cache."""
    name = os.path.basename(os.path.realpath(device)).rstrip("0123456789")
    try:
        with open("/sys/block/%s/queue/write_cache" % name) as f:
            return f.read().strip()
    except OSError:
        return "unknown"


def package(name):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else "not a package"


def environment(path, program):
    device, kind, options = file_system(path)
    with open("/proc/cpuinfo") as f:
        model = next((l.split(":")[1].strip() for l in f if "model name" in l), platform.machine())
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) // (1 << 20)
    version = subprocess.run([program, "--version"], text=True, stdout=subprocess.PIPE).stdout.strip()
    return {"Avow": version, "kernel": platform.release(),
            "processor": "%d × %s" % (os.cpu_count(), model), "memory": "%d GiB" % memory,
            "disk": "%s on %s (%s), write cache: %s" % (kind, device, options, write_cache(device)),
            "load before": "%.1f %.1f" % os.getloadavg()[:2],
            "libzmq": package("libzmq5"), "LMDB": package("liblmdb0")}
