/* SPDX-License-Identifier: Apache-2.0 */
/* avow status: how the services are, a row each. */
#include <stdio.h>

#include "proto/near.h"
#include "tools/out.h"
#include "tools/seen.h"

#define COUNTERS_BYTES_MAX ((size_t)1 << 20)

static const struct opt options[] = {
	{ "service", 0, opt_text, "NAME", NULL, "Only ingest, ledger or query; for health checks." },
	OPT_END
};
/* for people; the ledger is the same for all, so the last line has it */
static const struct out_column words_columns[] = {
	{ "service", out_is_text, false }, { "state", out_is_text, false },
	{ "version", out_is_text, false }, { "head", out_is_number, false },
	{ "lag", out_is_number, false },   { "uptime", out_is_text, false },
	{ "counters", out_is_text, true },
};
static const struct out_column fields_columns[] = {
	{ "service", out_is_text, false },  { "state", out_is_text, false },
	{ "version", out_is_text, false },  { "ledger", out_is_text, false },
	{ "epoch", out_is_number, false },  { "head", out_is_number, false },
	{ "lag", out_is_number, false },    { "uptime_s", out_is_number, false },
	{ "counters", out_is_json, true },  { "endpoint", out_is_text, true },
};

/* ---- printing ---- */

static void put_counters(struct out *o, const struct state_of_service *s)
{
	struct buf json;
	enum err e;

	buf_init(&json, COUNTERS_BYTES_MAX);
	e = buf_put(&json, "{", 1);
	for (size_t i = 0; !e && i < s->counters.n; i++) {
		if (i)
			e = buf_put(&json, ",", 1);
		if (!e)
			e = json_quote(s->counters.v[i].name, &json);
		if (!e)
			e = buf_printf(&json, ":%lld", (long long)s->counters.v[i].value);
	}
	if (!e)
		e = buf_put(&json, "}", 1);
	if (e)
		out_fail(o, e);
	out_text(o, buf_str(&json));
	buf_fini(&json);
}

/* Only those that are not 0. */
static void put_counters_words(struct out *o, const struct state_of_service *s)
{
	struct buf words;
	enum err e = ERR_OK;

	buf_init(&words, COUNTERS_BYTES_MAX);
	for (size_t i = 0; !e && i < s->counters.n; i++)
		if (s->counters.v[i].value)
			e = buf_printf(&words, "%s%.*s %lld", words.n ? ", " : "",
				       STR_ARG(s->counters.v[i].name),
				       (long long)s->counters.v[i].value);
	if (e)
		out_fail(o, e);
	out_text(o, buf_str(&words));
	buf_fini(&words);
}

static void put_number(struct out *o, bool has, int64_t v)
{
	if (has)
		out_number(o, v);
	else
		out_none(o);
}

static void put_text(struct out *o, struct str s)
{
	if (s.n)
		out_text(o, s);
	else
		out_none(o);
}

static const char *word_of(enum seen_which which, const struct seen *seen)
{
	if (!seen->up)
		return "down";
	return !seen->asked || which == seen_ledger || seen->state.upstream_ok ? "up"
										   : "no ledger";
}

static void put_heads(struct out *o, enum seen_which which, const struct state_of_service *s)
{
	const bool has_head = msg_has(s, state_of_service, head);
	const bool has_lag = has_head && which == seen_query &&
			     msg_has(s, state_of_service, upstream_head);

	put_number(o, has_head, (int64_t)s->head);
	put_number(o, has_lag,
		   s->upstream_head > s->head ? (int64_t)(s->upstream_head - s->head) : 0);
}

static void put_words(struct out *o, enum seen_which which, const struct seen *seen)
{
	const struct state_of_service *s = &seen->state;
	const long long up_s = (s->time - s->started) / 1000000;
	char uptime[40] = "";

	if (seen->asked && seen->up)
		(void)snprintf(uptime, sizeof(uptime), "%lldd %02lld:%02lld:%02lld", up_s / 86400,
			       up_s / 3600 % 24, up_s / 60 % 60, up_s % 60);
	out_text(o, str_of(seen_names[which]));
	out_text(o, str_of(word_of(which, seen)));
	put_text(o, s->version);
	put_heads(o, which, s);
	put_text(o, str_of(uptime));
	put_counters_words(o, s);
	out_row(o);
}

static void put_fields(struct out *o, const struct cli *c, enum seen_which which,
		       const struct seen *seen)
{
	const struct state_of_service *s = &seen->state;
	char id[ID_TEXT_SIZE] = "";

	if (msg_has(s, state_of_service, ledger))
		id_format(s->ledger.b, id);
	out_text(o, str_of(seen_names[which]));
	out_text(o, str_of(word_of(which, seen)));
	put_text(o, s->version);
	put_text(o, str_of(id));
	put_number(o, msg_has(s, state_of_service, epoch), (int64_t)s->epoch);
	put_heads(o, which, s);
	put_number(o, seen->asked && seen->up, (s->time - s->started) / 1000000);
	if (seen->asked && seen->up)
		put_counters(o, s);
	else
		out_none(o);
	put_text(o, seen->asked ? str_of(seen_endpoint(c, which)) : STR(""));
	out_row(o);
}

/* Which ledger they serve; said once, as it is one. */
static void put_ledger(struct out *o, const struct seen *seen)
{
	char id[ID_TEXT_SIZE], words[64];

	for (int i = 0; i < SEEN_MAX; i++) {
		const struct state_of_service *s = &seen[i].state;
		if (!msg_has(s, state_of_service, ledger))
			continue;
		id_format(s->ledger.b, id);
		(void)snprintf(words, sizeof(words), "ledger %s", id);
		out_meta_text(o, "ledger", words, str_of(id));
		(void)snprintf(words, sizeof(words), "epoch %llu", (unsigned long long)s->epoch);
		out_meta_number(o, "epoch", words, (int64_t)s->epoch);
		return;
	}
}

static enum err print(struct cli *c, const struct seen *seen, bool through, struct fault *fault)
{
	enum out_format format;
	struct out *o;
	enum err e = out_format(c, &format, fault);
	const bool words = format == out_table || format == out_md;

	if (!e && words)
		e = out_open(c, words_columns, ARRAY_LEN(words_columns), &o, fault);
	else if (!e)
		e = out_open(c, fields_columns, ARRAY_LEN(fields_columns), &o, fault);
	if (e)
		return e;
	for (int i = 0; i < SEEN_MAX; i++) {
		if (!seen[i].asked && !through)
			continue;
		if (words)
			put_words(o, (enum seen_which)i, &seen[i]);
		else
			put_fields(o, c, (enum seen_which)i, &seen[i]);
	}
	put_ledger(o, seen);
	return out_close(o, fault);
}

/* The first that does not answer is the fault; the rows say which others. */
static enum err verdict(const struct seen *seen, bool through, struct fault *fault)
{
	for (int i = 0; i < SEEN_MAX; i++) {
		if (seen[i].asked && !seen[i].up) {
			*fault = seen[i].fault;
			return fault->code;
		}
	}
	if (through && !seen[seen_ledger].up)
		return fault_set(fault, ERR_UNAVAILABLE, NULL, "the ledger does not answer");
	return ERR_OK;
}

static enum err choose(const struct cli *c, int *only, struct fault *fault)
{
	const char *name = cli_text(c, "service");

	*only = SEEN_MAX;
	for (int i = 0; name && i < SEEN_MAX; i++)
		if (strcmp(name, seen_names[i]) == 0)
			*only = i;
	if (!name || *only < SEEN_MAX)
		return ERR_OK;
	const char *near = near_word(seen_names, SEEN_MAX, str_of(name));
	return fault_set(fault, ERR_USAGE, NULL, "--service: `%s` is not ingest, ledger or query%s%s%s",
			 name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static enum err run_status(struct cli *c, struct fault *fault)
{
	struct seen seen[SEEN_MAX] = { 0 };
	int only;

	enum err e = choose(c, &only, fault);
	if (e)
		return e;
	const bool through = only == SEEN_MAX;
	if (through)
		seen_all(c, seen);
	else
		seen_one(c, (enum seen_which)only, seen);
	e = print(c, seen, through, fault);
	if (!e)
		e = verdict(seen, through, fault);
	seen_end(seen);
	return e;
}

const struct command command_status = {
	.name = "status",
	.group = group_check,
	.line = "whether every service answers, and how far each is",
	.usage = "[--service NAME]",
	.examples = (const char *const[]){ "avow status", "avow status -o json",
					   "avow status --service ingest --timeout 2s", NULL },
	.details = "Exit code 6 where a service does not answer, 0 where all do. `lag` is how many events query\n"
		   "has still to take in; `head` the newest event that a service holds.",
	.options = { options },
	.run = run_status,
};
