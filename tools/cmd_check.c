/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow check: whether somebody has to be woken. What is found is one sentence each with a level; the
 * worst is the exit code, as the Monitoring Plugins guidelines have it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/out.h"
#include "tools/seen.h"

#define LAG_WARN 10000u
#define LAG_CRITICAL 1000000u
#define SILENT_WARN "10s"
#define FINDINGS_MAX 32u
#define TEXT_MAX 256u
#define REPORT_BYTES_MAX ((size_t)64 << 10)

enum level { level_ok, level_warning, level_critical, level_unknown };
static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

struct finding {
	enum level level;
	const char *service;
	char text[TEXT_MAX];
};
struct report {
	struct finding v[FINDINGS_MAX];
	size_t n;
	uint64_t lag, lag_warn, lag_critical, head;
	int64_t silent_warn_ms;
};

static const struct opt options[] = {
	{ "lag-warn", 0, opt_text, "N", NULL,
	  "WARNING where query is so many events behind (10000)." },
	{ "lag-critical", 0, opt_text, "N", NULL, "CRITICAL where it is so many behind (1000000)." },
	{ "silent-warn", 0, opt_text, "TIME", NULL,
	  "WARNING where query has not heard its ledger for so long (10s)." },
	OPT_END
};

__attribute__((format(printf, 4, 5)))
static void find(struct report *r, enum level level, const char *service, const char *format, ...)
{
	va_list args;

	require(r->n < FINDINGS_MAX);
	struct finding *f = &r->v[r->n++];
	f->level = level;
	f->service = service;
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

/* CRITICAL before UNKNOWN before WARNING: what is known to be broken counts most. */
static enum level worst_of(const struct report *r)
{
	static const int weight[] = { [level_ok] = 0, [level_warning] = 1, [level_unknown] = 2,
				      [level_critical] = 3 };
	enum level worst = level_ok;

	for (size_t i = 0; i < r->n; i++)
		if (weight[r->v[i].level] > weight[worst])
			worst = r->v[i].level;
	return worst;
}

/* ---- looking ---- */

/* One that does not answer: is it gone, or does it stand still? */
static void look_absent(struct report *r, const struct cli *c, enum seen_which which)
{
	if (seen_listens(c, which))
		find(r, level_critical, seen_names[which],
		     "is there but does not answer: it is stopped, or hangs");
	else
		find(r, level_critical, seen_names[which], "is not running at %.150s",
		     seen_endpoint(c, which));
}

static void look_damage(struct report *r, const struct seen *s, const char *name, enum level level,
			const char *remedy)
{
	const int64_t count = seen_count(s, "damaged"), seq = seen_count(s, "damaged_seq");

	if (seq)
		find(r, level, name, "met damage %" PRId64 " times, first in event #%" PRId64 "; %s",
		     count, seq, remedy);
	else if (count)
		find(r, level, name, "met damaged rows %" PRId64 " times; %s", count, remedy);
}

static void look_ledger(struct report *r, const struct cli *c, const struct seen *s)
{
	const char *name = seen_names[seen_ledger];

	if (!s->up && seen_listens(c, seen_ledger))
		find(r, level_critical, name, "is there but does not answer: it is stopped, or hangs");
	else if (!s->up)
		find(r, level_critical, name, "is not running, as far as one can see from here");
	if (seen_count(s, "no_space"))
		find(r, level_critical, name,
		     "has no room on its disk: publishers get NO_SPACE, reading goes on");
	look_damage(r, s, name, level_critical, "the event is not served; restore it from a replica");
}

static void look_lag(struct report *r, const struct seen *seen)
{
	const struct state_of_service *s = &seen[seen_query].state;
	const struct state_of_service *ledger = &seen[seen_ledger].state;
	const uint64_t upstream = ledger->head > s->upstream_head ? ledger->head : s->upstream_head;

	r->head = upstream;
	r->lag = upstream > s->head ? upstream - s->head : 0;
	if (r->lag >= r->lag_critical || r->lag >= r->lag_warn)
		find(r, r->lag >= r->lag_critical ? level_critical : level_warning, "query",
		     "is %" PRIu64 " events behind", r->lag);
}

static void look_query(struct report *r, const struct seen *seen)
{
	const struct seen *s = &seen[seen_query];
	const int64_t silent_ms = seen_count(s, "ledger_silent_ms");
	const struct err_info *trouble = err_info((enum err)seen_count(s, "feed_trouble"));

	look_lag(r, seen);
	if (seen_count(s, "foreign_ledger"))
		find(r, level_critical, "query", "stands before another ledger than its replica's");
	else if (trouble)
		find(r, level_critical, "query", "cannot take in events: %s", trouble->name);
	if (!s->state.upstream_ok && silent_ms >= r->silent_warn_ms)
		find(r, level_warning, "query",
		     "has not heard its ledger for %" PRId64 " s; it answers from what it has",
		     silent_ms / 1000);
	look_damage(r, s, "query", level_warning, "build it anew: avow query --rebuild");
}

static void look_ids(struct report *r, const struct seen *seen)
{
	const struct state_of_service *a = &seen[seen_ingest].state, *b = &seen[seen_query].state;

	if (!seen[seen_ingest].up || !seen[seen_query].up ||
	    !msg_has(a, state_of_service, ledger) || !msg_has(b, state_of_service, ledger))
		return;
	if (memcmp(a->ledger.b, b->ledger.b, ID_SIZE) != 0)
		find(r, level_critical, "query", "serves another ledger than the one that ingest writes to");
}

static void look(struct report *r, struct cli *c, struct seen *seen)
{
	seen_all(c, seen);
	if (!seen[seen_ingest].up)
		look_absent(r, c, seen_ingest);
	look_ledger(r, c, &seen[seen_ledger]);
	if (seen[seen_query].up)
		look_query(r, seen);
	else
		look_absent(r, c, seen_query);
	look_ids(r, seen);
	if (r->n == 0)
		find(r, level_ok, "avow", "every service answers, query is %" PRIu64 " events behind",
		     r->lag);
}

/* ---- saying ---- */

static void say_text(const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		printf("%-8s  %-6s  %s\n", words[r->v[i].level], r->v[i].service, r->v[i].text);
}

/* One line, behind it what is measured: label=value;warning;critical;least. */
static void say_nagios(const struct report *r)
{
	printf("AVOW %s -", words[worst_of(r)]);
	for (size_t i = 0; i < r->n; i++)
		printf("%s %s %s", i ? ";" : "", r->v[i].service, r->v[i].text);
	printf(" | lag=%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";0 head=%" PRIu64 "\n", r->lag, r->lag_warn,
	       r->lag_critical, r->head);
}

static enum err write_finding(const struct finding *f, bool first, struct buf *out)
{
	enum err e = buf_printf(out, "%s{\"state\":\"%s\",\"service\":\"%s\",\"text\":",
				first ? "" : ",", words[f->level], f->service);
	if (!e)
		e = json_quote(str_of(f->text), out);
	return e ? e : buf_put(out, "}", 1);
}

static enum err write_json(const struct report *r, struct buf *out)
{
	const enum level worst = worst_of(r);

	enum err e = buf_printf(out, "{\"state\":\"%s\",\"exit\":%d,\"lag\":%" PRIu64
				",\"head\":%" PRIu64 ",\"checks\":[", words[worst], (int)worst, r->lag,
				r->head);
	for (size_t i = 0; !e && i < r->n; i++)
		e = write_finding(&r->v[i], i == 0, out);
	return e ? e : buf_put(out, "]}\n", 3);
}

static enum err say(const char *format, const struct report *r)
{
	struct buf out;

	if (strcmp(format, "nagios") == 0) {
		say_nagios(r);
		return ERR_OK;
	}
	if (strcmp(format, "json") != 0) {
		say_text(r);
		return ERR_OK;
	}
	buf_init(&out, REPORT_BYTES_MAX);
	const enum err e = write_json(r, &out);
	if (!e)
		(void)fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	return e;
}

/* ---- the command ---- */

static enum err limits(struct cli *c, struct report *r, const char *format, struct fault *fault)
{
	static const char *const formats[] = { "", "text", "table", "json", "nagios" };
	const char *silent = cli_text(c, "silent-warn");
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		known = known || strcmp(format, formats[i]) == 0;
	if (!known)
		return fault_set(fault, ERR_USAGE, "output", "`%s` is not text, json or nagios", format);
	enum err e = cli_number(c, "lag-warn", LAG_WARN, INT64_MAX, &r->lag_warn, fault);
	if (!e)
		e = cli_number(c, "lag-critical", LAG_CRITICAL, INT64_MAX, &r->lag_critical, fault);
	return e ? e : duration_parse(silent ? silent : SILENT_WARN, &r->silent_warn_ms, fault);
}

static enum err run_check(struct cli *c, struct fault *fault)
{
	struct report r = { 0 };
	struct seen seen[SEEN_MAX] = { 0 };
	const char *format = setting(&c->settings, setting_output);

	const enum err e = limits(c, &r, format, fault);
	if (e)
		return e;
	look(&r, c, seen);
	seen_end(seen);
	c->exit = (int)worst_of(&r);
	return say(format, &r);
}

const struct command command_check = {
	.name = "check",
	.group = group_check,
	.line = "whether all is well, for monitoring",
	.usage = "[-o text|json|nagios] [--lag-warn N] [--lag-critical N] [--silent-warn TIME]",
	.examples = (const char *const[]){ "avow check", "avow check -o nagios --lag-warn 1000",
					   "avow check -o json --timeout 2s", NULL },
	.details = "Exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (it could not look), for text, json and\n"
		   "nagios alike. Found: a service that is gone, or stands still; a full disk; damage; a query\n"
		   "that lags, hears no ledger, cannot take in events, or stands before another ledger.",
	.options = { options },
	.run = run_check,
	.exit_failed = level_unknown,
};
