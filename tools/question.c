/* SPDX-License-Identifier: Apache-2.0 */
/* question: options to clocks and counting rules, and answers' clocks to words. */
#include "tools/question.h"

#include <stdio.h>
#include <time.h>

#include "tools/filter.h"

#define META_MAX ((size_t)1 << 20)
#define ANSWER_BYTES_MAX ((size_t)64 << 20)
#define TRY_EVERY_MS 50
#define INGEST_SOON_MS 500

const struct opt clock_options[] = {
	{ "on", 0, opt_text, "DAY", NULL, "What happened by the end of this day." },
	{ "as-of", 0, opt_text, "DAY", NULL, "What was public by the end of this day." },
	{ "at-seq", 0, opt_text, "SEQ", NULL, "What this ledger held at this event; the same answer "
					      "for ever." },
	{ "min-seq", 0, opt_text, "SEQ", NULL, "Answer only when this event is known (read your own "
					       "writes)." },
	OPT_END
};
const struct opt counting_options[] = {
	{ "policy", 0, opt_text, "POLICY", NULL, "Which statement decides: best (the latest of the best "
						 "grade), latest, or hull (all)." },
	{ "assume", 0, opt_list, "DEAL,…", NULL, "As if these deals had closed." },
	{ "in", 0, opt_text, "CODE", NULL, "Convert into this currency, at the ledger's own rates." },
	{ "basis", 0, opt_list, "BASIS,…", NULL, "Only cash, stock, debt, in_kind, purchase or "
						 "guarantee; all but guarantee if not given." },
	OPT_END
};

static enum err read_day(const struct cli *c, const char *name, struct str *out,
			 struct fault *fault)
{
	const char *text = cli_text(c, name);
	int32_t day;

	*out = str_of(text);
	if (!text)
		return ERR_OK;
	const enum err e = day_parse(*out, &day, fault);
	if (e)
		fault_under(fault, name);
	return e;
}

static enum err read_seq(const struct cli *c, const char *name, uint64_t *seq, struct fault *fault)
{
	return cli_number(c, name, 0, INT64_MAX, seq, fault);
}

enum err clocks_given(const struct cli *c, struct clocks *clocks, bool *any, struct fault *fault)
{
	*clocks = (struct clocks){ 0 };
	enum err e = read_day(c, "on", &clocks->on, fault);
	if (!e)
		e = read_day(c, "as-of", &clocks->as_of, fault);
	if (!e)
		e = read_seq(c, "at-seq", &clocks->at_seq, fault);
	if (clocks->on.n)
		msg_mark(clocks, clocks, on);
	if (clocks->as_of.n)
		msg_mark(clocks, clocks, as_of);
	if (cli_given(c, "at-seq"))
		msg_mark(clocks, clocks, at_seq);
	*any = clocks->has != 0;
	return e;
}

enum err min_seq_given(const struct cli *c, uint64_t *seq, struct fault *fault)
{
	return read_seq(c, "min-seq", seq, fault);
}

enum err counting_given(struct cli *c, struct rules *rules, struct fault *fault)
{
	const char *code = cli_text(c, "in");
	const struct currency *currency;
	enum err e = min_seq_given(c, &rules->min_seq, fault);

	if (!e)
		e = word_given(c, "policy", &enum_policy, &rules->policy, fault);
	if (!e)
		e = cli_list(c, "assume", &rules->assume, fault);
	for (size_t i = 0; !e && i < rules->assume.n; i++) {
		e = slug_check(rules->assume.v[i], fault);
		if (e)
			fault_under(fault, "assume");
	}
	if (!e && code) {
		e = currency_check(str_of(code), &currency, fault);
		if (e)
			fault_under(fault, "in");
		else
			rules->currency = str_of(currency->code);
	}
	return e ? e : words_given(c, "basis", &enum_basis, &rules->basis, fault);
}

enum err rules_given(struct cli *c, struct rules *rules, struct fault *fault)
{
	*rules = (struct rules){ 0 };
	const enum err e = clocks_given(c, &rules->clocks, &rules->pinned, fault);

	return e ? e : counting_given(c, rules, fault);
}

enum err query_open(const struct cli *c, struct client **client, struct fault *fault)
{
	return client_open(setting(&c->settings, setting_query), client, fault);
}

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum err query_ask(struct cli *c, struct client *client, const struct shape *request,
		   const void *req, const struct shape *want, void *answer, struct fault *fault)
{
	const int64_t deadline = clock_ms() + cli_timeout_ms(c);
	const struct timespec pause = { 0, TRY_EVERY_MS * 1000000 };

	for (;;) {
		const int64_t left = deadline - clock_ms();
		const enum err e = client_ask(client, request, req, want, answer,
					      left > 1 ? (int)left : 1, &c->arena, fault);
		if ((e != ERR_UNAVAILABLE && e != ERR_BUSY) || left <= TRY_EVERY_MS ||
		    cli_interrupted())
			return e;
		(void)nanosleep(&pause, NULL);
	}
}

static enum err ask_head(struct cli *c, enum setting_name service, int timeout_ms, uint64_t *head,
			 struct fault *fault)
{
	const struct status question = { 0 };
	struct state_of_service state;
	struct client *client;
	enum err e = client_open(setting(&c->settings, service), &client, fault);

	if (e)
		return e;
	e = client_ask(client, &shape_status, &question, &shape_state_of_service, &state, timeout_ms,
		       &c->arena, fault);
	if (!e && state.head > *head)
		*head = state.head;
	if (!e && state.upstream_head > *head)
		*head = state.upstream_head;
	client_close(client);
	return e;
}

enum err ledger_head(struct cli *c, uint64_t *head, struct fault *fault)
{
	struct fault ignored;
	const int timeout_ms = cli_timeout_ms(c);

	*head = 0;
	fault_init(&ignored);
	const enum err e = ask_head(c, setting_query, timeout_ms, head, fault);
	/* who only reads may have no ingest */
	if (!e)
		(void)!ask_head(c, setting_ingest,
				timeout_ms < INGEST_SOON_MS ? timeout_ms : INGEST_SOON_MS, head,
				&ignored);
	return e;
}

/* ---- the last line ---- */

static void put_day(struct out *o, const char *key, const char *what, bool given, struct str day)
{
	char words[64];

	(void)snprintf(words, sizeof(words), "%s by %.*s", what, given ? (int)day.n : 7,
		       given ? day.p : "any day");
	if (given)
		out_meta_text(o, key, words, day);
	else
		out_meta_json(o, key, words, STR("null"));
}

static void put_list(struct out *o, const char *key, const char *title, const struct str *v,
		     size_t n)
{
	struct buf words, json;
	enum err e = ERR_OK;

	buf_init(&words, META_MAX);
	buf_init(&json, META_MAX);
	for (size_t i = 0; !e && i < n; i++) {
		e = buf_printf(&words, "%s%.*s", i ? ", " : title, STR_ARG(v[i]));
		if (!e)
			e = buf_put(&json, i ? "," : "[", 1);
		if (!e)
			e = json_quote(v[i], &json);
	}
	if (!e)
		e = buf_put(&words, "", 1);
	if (!e)
		e = buf_put(&json, n ? "]" : "[]", n ? 1 : 2);
	if (!e)
		out_meta_json(o, key, n ? words.p : NULL, buf_str(&json));
	else
		out_fail(o, e);
	buf_fini(&words);
	buf_fini(&json);
}

void question_meta(struct out *o, const struct basis_of_answer *b)
{
	char words[64], id[ID_TEXT_SIZE];
	const char *policy = enum_word(&enum_policy, b->policy);
	struct str bases[basis_COUNT];
	size_t n = 0;

	put_day(o, "on", "Happened", msg_has(&b->clocks, clocks, on), b->clocks.on);
	put_day(o, "as_of", "public", msg_has(&b->clocks, clocks, as_of), b->clocks.as_of);
	(void)snprintf(words, sizeof(words), "ledger at #%llu", (unsigned long long)b->clocks.at_seq);
	out_meta_number(o, "at_seq", words, (int64_t)b->clocks.at_seq);
	(void)snprintf(words, sizeof(words), "policy %s", policy ? policy : "?");
	out_meta_text(o, "policy", words, str_of(policy ? policy : "?"));
	put_list(o, "assume", "assuming ", b->assume.v, b->assume.n);
	(void)snprintf(words, sizeof(words), "in %.*s", STR_ARG(b->currency));
	if (msg_has(b, basis_of_answer, currency))
		out_meta_text(o, "in", words, b->currency);
	else
		out_meta_json(o, "in", NULL, STR("null"));
	for (size_t i = 0; i < b->basis.n && n < ARRAY_LEN(bases); i++)
		if (enum_word(&enum_basis, b->basis.v[i]))
			bases[n++] = str_of(enum_word(&enum_basis, b->basis.v[i]));
	put_list(o, "basis", "basis ", bases, n);
	out_meta_text(o, "rules", NULL, b->rules);
	id_format(b->ledger.b, id);
	out_meta_text(o, "ledger", NULL, str_of(id));
	out_meta_number(o, "epoch", NULL, (int64_t)b->epoch);
}

enum err sums_words(const struct sum_list *sums, struct buf *out)
{
	char text[AMOUNT_TEXT_SIZE];
	uint64_t undisclosed = 0;
	const char *between = "";
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < sums->n; i++) {
		const struct sum *s = &sums->v[i];
		undisclosed += s->undisclosed;
		if (!msg_has(s, sum, amount))
			continue;
		amount_format_short(&s->amount, text);
		e = buf_printf(out, "%s%s", between, text);
		between = " + ";
	}
	if (!e && undisclosed)
		e = buf_printf(out, "%s%llu undisclosed", between, (unsigned long long)undisclosed);
	else if (!e && !*between)
		e = buf_put(out, "nothing", 7);
	return e;
}

void sums_put(struct out *o, const struct sum_list *sums)
{
	struct buf b;

	buf_init(&b, ANSWER_BYTES_MAX);
	const enum err e = sums_words(sums, &b);
	if (e)
		out_fail(o, e);
	out_text(o, buf_str(&b));
	buf_fini(&b);
}

void str_put(struct out *o, struct str s)
{
	if (s.n)
		out_text(o, s);
	else
		out_none(o);
}

void sum_put(struct out *o, const struct sum *sum)
{
	if (sum && msg_has(sum, sum, amount))
		out_amount(o, &sum->amount);
	else
		out_none(o);
	out_number(o, sum ? (int64_t)sum->undisclosed : 0);
}

enum err answer_print_json(struct cli *c, const struct shape *shape, const void *body,
			   const struct basis_of_answer *basis, struct fault *fault)
{
	static const struct out_column none[] = { { "answer", out_is_text, false } };
	struct buf json;
	struct out *o;
	enum err e = out_open(c, none, ARRAY_LEN(none), &o, fault);

	if (e)
		return e;
	buf_init(&json, ANSWER_BYTES_MAX);
	e = json_write(shape, body, &c->arena, &json);
	if (e)
		out_fail(o, e);
	else
		out_document(o, (struct str){ json.p + 1, json.n - 2 }); /* without its braces */
	question_meta(o, basis);
	buf_fini(&json);
	return out_close(o, fault);
}

const struct sum *sum_of_currency(const struct sum_list *sums, struct str currency)
{
	for (size_t i = 0; i < sums->n; i++)
		if (str_cmp(sums->v[i].currency, currency) == 0)
			return &sums->v[i];
	return NULL;
}
