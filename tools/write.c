/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: one event to ingest. The same bytes are sent again while nobody says what became of them;
 * ingest takes an id once, so that this is safe.
 */
#include "tools/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "services/shared/client.h"
#include "tools/fields.h"
#include "tools/out.h"
#include "tools/question.h"

#define BACKOFF_MS 50
#define BACKOFF_MAX_MS 1000
#define CATCH_UP_MS 2000 /* for query to hold what was just published */
#define JSON_BYTES_MAX (1u << 20)

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- reading ---- */

static enum err parse_seq(const char *word, uint64_t *seq, struct fault *fault)
{
	const char *digits = word + (word[0] == '#');
	char *end;

	*seq = *digits >= '0' && *digits <= '9' ? strtoull(digits, &end, 10) : 0;
	if (*seq == 0 || *end || *seq > INT64_MAX)
		return fault_set(fault, ERR_USAGE, NULL, "`%s` is neither a seq, as 17 or #17, nor an "
				 "event's id", word);
	return ERR_OK;
}

/*
 * The event that `request` names. One that is not there yet may just have been published: then query
 * is asked to wait for it, for a moment.
 */
static enum err ask_get(struct cli *c, struct client *client, struct get *request, struct got *got,
			struct fault *fault)
{
	enum err e = query_ask(c, client, &shape_get, request, &shape_got, got, fault);

	if (e != ERR_NOT_FOUND || !msg_has(request, get, seq))
		return e;
	struct fault waiting;
	fault_init(&waiting);
	msg_set(request, get, min_seq, request->seq);
	const int timeout = cli_timeout_ms(c);
	if (client_ask(client, &shape_get, request, &shape_got, got,
		       timeout < CATCH_UP_MS ? timeout : CATCH_UP_MS, &c->arena, &waiting) == ERR_OK)
		return ERR_OK;
	return e;
}

enum err fetch_event(struct cli *c, const char *word, struct entry *entry, struct fault *fault)
{
	struct get request = { 0 };
	struct got got = { 0 };
	struct client *client;
	struct id id;
	enum err e = ERR_OK;

	if (id_parse(str_of(word), id.b, NULL) == ERR_OK) {
		msg_set(&request, get, id, id);
	} else {
		e = parse_seq(word, &request.seq, fault);
		msg_mark(&request, get, seq);
	}
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	e = ask_get(c, client, &request, &got, fault);
	*entry = got.entry;
	if (!e) {
		/* the answer's bytes go with the client */
		entry->event = arena_str(&c->arena, got.entry.event);
		if (!entry->event.p)
			e = fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	}
	client_close(client);
	return e;
}

enum err fetch_id(struct cli *c, const char *word, struct id *id, struct fault *fault)
{
	struct event_keys keys;
	struct entry entry;

	if (id_parse(str_of(word), id->b, NULL) == ERR_OK)
		return ERR_OK;
	enum err e = fetch_event(c, word, &entry, fault);
	if (!e)
		e = event_peek(entry.event, &keys, fault);
	if (!e)
		*id = keys.id;
	return e;
}

/* ---- writing ---- */

static enum err print_event(struct cli *c, const struct event *e, struct fault *fault)
{
	struct buf b;

	buf_init(&b, JSON_BYTES_MAX);
	const enum err bad = json_write(&shape_event, e, &c->arena, &b);
	if (!bad)
		printf("%.*s\n", (int)b.n, b.p);
	buf_fini(&b);
	return bad ? fault_set(fault, bad, NULL, "the event cannot be shown") : ERR_OK;
}

static enum err print_receipt(struct cli *c, const struct event *e, const struct receipt *r,
			      struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "seq", out_is_number, false }, { "status", out_is_text, false },
		{ "recorded", out_is_text, false }, { "id", out_is_text, false },
		{ "kind", out_is_text, false }, { "deal", out_is_text, true },
	};
	char recorded[TIME_TEXT_SIZE], id[ID_TEXT_SIZE];
	struct out *o;
	const enum err bad = out_open(c, columns, ARRAY_LEN(columns), &o, fault);

	if (bad)
		return bad;
	time_format(r->recorded, recorded);
	id_format(e->id.b, id);
	out_number(o, (int64_t)r->first);
	out_text(o, str_of(enum_word(&enum_outcome, r->status)));
	out_text(o, str_of(recorded));
	out_text(o, str_of(id));
	out_text(o, str_of(enum_word(&enum_kind, e->kind)));
	if (msg_has(e, event, deal))
		out_text(o, e->deal);
	else if (msg_has(e, event, party))
		out_text(o, e->party);
	else
		out_none(o);
	out_row(o);
	return out_close(o, fault);
}

/* A refusal of the batch is the refusal of its only event. */
static enum err unpack_refusal(const struct event *e, enum err code, struct fault *fault)
{
	char id[ID_TEXT_SIZE];

	fault->code = code;
	if (code != ERR_UNKNOWN)
		return code;
	id_format(e->id.b, id);
	return fault_set(fault, code, NULL, "no definite answer: it may have been written. Run it again "
			 "with --id %s: it is written once", id);
}

static void pause_ms(int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* a signal ends it early, and is looked at next */
}

/* Ask until there is a definite answer, or the time is over. */
static enum err ask_publish(struct cli *c, const struct publish *request, struct published *answer,
			    struct client *client, struct fault *fault)
{
	const int64_t deadline = clock_ms() + cli_timeout_ms(c);
	int64_t wait = BACKOFF_MS;
	bool in_doubt = false;

	for (;;) {
		const int64_t left = deadline - clock_ms();
		fault_init(fault);
		enum err e = client_ask(client, &shape_publish, request, &shape_published, answer,
					left > 1 ? (int)left : 1, &c->arena, fault);
		const struct err_info *info = err_info(e);
		in_doubt |= e == ERR_UNKNOWN;
		if (cli_interrupted())
			return fault_set(fault, in_doubt ? ERR_UNKNOWN : ERR_INTERRUPTED, NULL,
					 "interrupted");
		/* nobody there: whoever runs a command by hand wants to know soon */
		if (!info || info->class != err_retry || (e == ERR_UNREACHABLE && !in_doubt))
			return e;
		if (fault->retry_after_ms != FAULT_NONE && fault->retry_after_ms > wait)
			wait = fault->retry_after_ms;
		if (clock_ms() + wait >= deadline)
			return in_doubt ? ERR_UNKNOWN : e;
		pause_ms(wait);
		wait = wait * 2 < BACKOFF_MAX_MS ? wait * 2 : BACKOFF_MAX_MS;
	}
}

/* Encode and publish; the answer's first receipt is the event's. */
static enum err publish_event(struct cli *c, const struct event *e, struct published *answer,
			      struct client *client, struct fault *fault)
{
	struct publish request = { 0 };
	struct expect expect = { 0 };
	struct buf bytes;
	struct str event;

	enum err bad = cli_number(c, "expect", 0, INT64_MAX, &expect.revision, fault);
	if (bad)
		return bad;
	buf_init(&bytes, EVENT_BYTES_MAX);
	bad = record_encode(&shape_event, e, &bytes);
	if (bad) {
		buf_fini(&bytes);
		return fault_set(fault, bad, NULL, "the event is larger than %u bytes", EVENT_BYTES_MAX);
	}
	event = buf_str(&bytes);
	msg_set(&request, publish, events, ((struct str_list){ &event, 1 }));
	if (cli_given(c, "expect")) {
		if (!msg_has(e, event, deal)) {
			buf_fini(&bytes);
			return fault_set(fault, ERR_USAGE, NULL, "--expect needs --deal");
		}
		expect.deal = e->deal;
		msg_mark(&expect, expect, deal);
		msg_mark(&expect, expect, revision);
		msg_set(&request, publish, expect, ((struct expect_list){ &expect, 1 }));
	}
	bad = ask_publish(c, &request, answer, client, fault);
	buf_fini(&bytes);
	return bad ? unpack_refusal(e, bad, fault) : ERR_OK;
}

enum err write_event(struct cli *c, const struct event *e, struct fault *fault)
{
	struct published answer = { 0 };
	struct client *client;
	enum err bad = event_check_struct(e, c->now_us, fault);

	if (bad) {
		fields_fault(c, fault);
		return bad;
	}
	if (cli_flag(c, "dry-run"))
		return print_event(c, e, fault);
	bad = client_open(setting(&c->settings, setting_ingest), &client, fault);
	if (bad)
		return bad;
	bad = publish_event(c, e, &answer, client, fault);
	if (!bad && answer.receipts.n != 1)
		bad = fault_set(fault, ERR_INTERNAL, NULL, "an answer without the event's receipt");
	if (!bad)
		bad = print_receipt(c, e, &answer.receipts.v[0], fault);
	else
		fields_fault(c, fault);
	client_close(client);
	return bad;
}
