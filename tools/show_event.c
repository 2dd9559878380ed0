/* SPDX-License-Identifier: Apache-2.0 */
/* show_event: one event: where it stands in the log, what proves it, and every field that it has. */
#include <stdio.h>

#include "tools/fail.h"
#include "tools/flat.h"
#include "tools/gist.h"
#include "tools/show.h"

#define SHOW_BYTES_MAX ((size_t)16 << 20)

static const struct out_column columns[] = { { "field", out_is_text, false },
					     { "value", out_is_text, true } };

static void put_row(struct out *o, const char *name, struct str value)
{
	out_text(o, str_of(name));
	out_text(o, value);
	out_row(o);
}

static void put_number(struct out *o, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_row(o, name, str_of(text));
}

/* What the ledger added: position, time, and the hash that proofs are made of. */
static void put_receipt(struct out *o, const struct got *got)
{
	char time[TIME_TEXT_SIZE], leaf[2 * HASH_SIZE + 1];
	struct buf versions;
	enum err e = ERR_OK;

	time_format(got->entry.recorded, time);
	for (size_t i = 0; i < HASH_SIZE; i++)
		(void)snprintf(leaf + 2 * i, 3, "%02x", got->leaf.b[i]);
	put_number(o, "seq", got->entry.seq);
	put_number(o, "epoch", got->entry.epoch);
	put_row(o, "recorded", str_of(time));
	put_row(o, "leaf", str_of(leaf));
	buf_init(&versions, SHOW_BYTES_MAX);
	for (size_t i = 0; !e && i < got->versions.n; i++)
		e = buf_printf(&versions, "%s%llu", i ? ";" : "",
			       (unsigned long long)got->versions.v[i]);
	if (e)
		out_fail(o, e);
	if (versions.n)
		put_row(o, "versions", buf_str(&versions));
	buf_fini(&versions);
}

/* The fields that it has; an amount is one row for people. */
static enum err put_fields(struct out *o, const struct event *e, bool words)
{
	struct flat flat;
	char amount[AMOUNT_TEXT_SIZE];
	struct buf value;
	enum err bad = ERR_OK;

	flat_init(&flat);
	buf_init(&value, SHOW_BYTES_MAX);
	for (size_t i = 0; !bad && i < flat.n; i++) {
		const struct flat_column *c = &flat.v[i];
		bool has;
		buf_clear(&value);
		bad = flat_put(c, e, &has, &value);
		if (bad || !has || (words && c->outer->type == F_AMOUNT && c->part))
			continue;
		if (c->outer->type == F_AMOUNT && value.n == 0)
			continue; /* an open bound, or no flags */
		if (words && c->outer->type == F_AMOUNT) {
			amount_format_short(&e->amount, amount);
			put_row(o, c->outer->name, str_of(amount));
		} else {
			put_row(o, c->name, buf_str(&value));
		}
	}
	buf_fini(&value);
	return bad;
}

static enum err print_fields(struct cli *c, const struct got *got, bool words, struct fault *fault)
{
	char at[64];
	struct event event;
	struct out *o;
	enum err e = event_decode(got->entry.event, &c->arena, &event, fault);

	if (!e)
		e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	put_receipt(o, got);
	e = put_fields(o, &event, words);
	if (e)
		out_fail(o, e);
	(void)snprintf(at, sizeof(at), "ledger at #%llu", (unsigned long long)got->head);
	out_meta_number(o, "head", at, (int64_t)got->head);
	return out_close(o, fault);
}

static enum err print_json(struct cli *c, const struct got *got, struct fault *fault)
{
	struct got body = *got;
	struct buf json;
	struct out *o;
	enum err e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);

	if (e)
		return e;
	body.has &= ~(UINT64_C(1) << got_HAS_head);
	buf_init(&json, SHOW_BYTES_MAX);
	e = json_write(&shape_got, &body, &c->arena, &json);
	if (e)
		out_fail(o, e);
	else
		out_document(o, (struct str){ json.p + 1, json.n - 2 }); /* without its braces */
	out_meta_number(o, "head", NULL, (int64_t)got->head);
	buf_fini(&json);
	return out_close(o, fault);
}

enum err show_event(struct cli *c, struct client *client, const struct get *get,
		    struct fault *fault)
{
	struct got got;
	enum out_format format;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = query_ask(c, client, &shape_get, get, &shape_got, &got, fault);
	if (e)
		return e;
	if (format == out_json)
		return print_json(c, &got, fault);
	return print_fields(c, &got, format == out_table || format == out_md, fault);
}
