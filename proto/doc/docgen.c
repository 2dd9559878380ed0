/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docgen TEMPLATE: the specification on stdout: the template, with each line `@@name@@` replaced by
 * what the tables of this program say, and `@@include FILE@@` by a file beside the template.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define LINE_MAX_BYTES 1024

/* ---- types ---- */

static const char *const type_names[] = {
	[F_BOOL] = "bool", [F_U64] = "number", [F_I64] = "integer", [F_TIME] = "time",
	[F_ID] = "id", [F_HASH] = "hash", [F_TEXT] = "text", [F_SLUG] = "slug",
	[F_BYTES] = "bytes", [F_DATE] = "date", [F_WHEN] = "when", [F_DAY] = "day",
	[F_DECIMAL] = "decimal", [F_MOVE] = "move", [F_CURRENCY] = "currency",
	[F_AMOUNT] = "amount",
};

/* `[slug], ≤ 32 items`, `word of [kind](#kind)`, … */
static void print_type(const struct field *f)
{
	fputs(f->list && f->type != F_PAIRS ? "array of " : "", stdout);
	if (f->type == F_ENUM)
		printf("word of [%s](#%s)", f->words->name, f->words->name);
	else if (f->type == F_SUB)
		printf("map [%s](#%s)", f->sub->name, f->sub->name);
	else if (f->type == F_PAIRS)
		printf("map from %s (%s) to %s (text)", f->sub->fields[0].name,
		       type_names[f->sub->fields[0].type], f->sub->fields[1].name);
	else
		fputs(type_names[f->type], stdout);
}

static void print_limit(const struct field *f)
{
	if (f->list)
		printf("%llu items", (unsigned long long)f->limit);
	else if (f->limit && (f->type == F_TEXT || f->type == F_BYTES))
		printf("%llu bytes", (unsigned long long)f->limit);
	else if (f->limit && f->type == F_U64)
		printf("%llu", (unsigned long long)f->limit);
}

static void print_fields(const struct shape *s)
{
	if (s->nfields == 0) {
		puts("No fields.\n");
		return;
	}
	puts("| field | type | | at most | |\n| --- | --- | --- | --- | --- |");
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		printf("| `%s` | ", f->name);
		print_type(f);
		printf(" | %s | ", f->required ? "needed" : "");
		print_limit(f);
		printf(" | %s |\n", f->doc);
	}
	putchar('\n');
}

/* ---- sections ---- */

static void print_shapes(bool requests, bool messages)
{
	const struct shape *s;

	for (size_t i = 0; (s = shape_at(i)); i++) {
		if (s->message != messages || (s->answer != NULL) != requests)
			continue;
		printf("### %s\n\n%s", s->name, s->doc);
		if (s->answer)
			printf(" Answer: [%s](#%s).", s->answer, s->answer);
		puts("\n");
		print_fields(s);
	}
}

static void print_requests(void)
{
	print_shapes(true, true);
}

static void print_messages(void)
{
	print_shapes(false, true);
}

static void print_records(void)
{
	print_shapes(false, false);
}

static void print_enums(void)
{
	const struct enum_info *e;

	for (size_t i = 0; (e = enum_at(i)); i++) {
		printf("### %s\n\n%s\n\n| word | |\n| --- | --- |\n", e->name, e->doc);
		for (size_t j = 0; j < e->count; j++)
			printf("| `%s` | %s |\n", e->words[j], e->docs[j]);
		putchar('\n');
	}
}

static void print_bits(uint64_t bits)
{
	for (size_t i = 0; i < shape_event.nfields; i++)
		if (bits >> i & 1)
			printf(" `%s`", shape_event.fields[i].name);
}

/* What all kinds need or take is said once. */
static void print_kinds(void)
{
	uint64_t needed = UINT64_MAX, taken = UINT64_MAX;

	for (int k = 1; k < kind_COUNT; k++) {
		needed &= kind_rule(k)->needs;
		taken &= kind_rule(k)->takes | kind_rule(k)->needs;
	}
	taken &= ~needed;
	printf("Every kind needs");
	print_bits(needed);
	printf(", and takes");
	print_bits(taken);
	puts(". Beyond that:\n\n| kind | needs | takes |\n| --- | --- | --- |");
	for (int k = 1; k < kind_COUNT; k++) {
		const struct kind_rule *rule = kind_rule(k);
		printf("| `%s` |", enum_word(&enum_kind, k));
		print_bits(rule->needs & ~needed);
		printf(" |");
		print_bits(rule->takes & ~rule->needs & ~taken);
		puts(" |");
	}
	putchar('\n');
}

static void print_errors(void)
{
	const struct err_info *e;

	puts("| number | name | class | HTTP | what happened | what to do |\n"
	     "| --- | --- | --- | --- | --- | --- |");
	for (size_t i = 0; (e = err_at(i)); i++)
		printf("| %d | `%s` | %s | %d | %s | %s |\n", (int)e->code, e->name, e->class_name,
		       e->http, e->text, e->remedy);
	putchar('\n');
}

static void print_limits(void)
{
	printf("| what | at most |\n| --- | --- |\n"
	       "| bytes of a message | %u |\n| bytes of an encoded event | %u |\n"
	       "| bytes of a request that are no content of bin, as its events are | %u |\n"
	       "| events in one publish | %u |\n"
	       "| bytes of all events of one publish | %u |\n| keys in one map | %u |\n"
	       "| bytes of a key | %u |\n"
	       "| nesting of maps and arrays, the message itself counted | %u |\n"
	       "| bytes of one text in an array | %u |\n| bytes of a slug | %d |\n"
	       "| `ttl_ms` | %u; where absent, %u is taken |\n| a number | 2^63-1 |\n\n",
	       MSG_BYTES_MAX, EVENT_BYTES_MAX, REQUEST_PLAIN_MAX, BATCH_EVENTS_MAX,
	       BATCH_BYTES_MAX, MAP_KEYS_MAX, KEY_BYTES_MAX,
	       MSG_DEPTH_MAX, TEXT_ITEM_MAX, SLUG_MAX, TTL_MAX_MS, TTL_DEFAULT_MS);
}

static const struct section {
	const char *name;
	void (*print)(void);
} sections[] = {
	{ "requests", print_requests }, { "messages", print_messages },
	{ "records", print_records },	{ "enums", print_enums },
	{ "kinds", print_kinds },	{ "errors", print_errors },
	{ "limits", print_limits },
};

/* ---- the template ---- */

static int print_file(const char *template, const char *name)
{
	char path[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	const char *slash = strrchr(template, '/');
	const int folder = slash ? (int)(slash - template) + 1 : 0;

	(void)snprintf(path, sizeof(path), "%.*s%s", folder, template, name);
	FILE *file = fopen(path, "r");
	if (!file) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	return fclose(file) != 0;
}

/* The text between the marks, NULL where the line is no mark. */
static char *marked(char *line)
{
	char *end = strstr(line + 2, "@@");

	if (strncmp(line, "@@", 2) != 0 || !end)
		return NULL;
	*end = 0;
	return line + 2;
}

static int print_mark(const char *template, const char *mark)
{
	if (strncmp(mark, "include ", 8) == 0)
		return print_file(template, mark + 8);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, mark) == 0) {
			sections[i].print();
			return 0;
		}
	fprintf(stderr, "%s: no section @@%s@@\n", template, mark);
	return 1;
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_BYTES];
	int failed = 0;

	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!template) {
		fprintf(stderr, "usage: docgen TEMPLATE\n");
		return 2;
	}
	while (!failed && fgets(line, sizeof(line), template)) {
		const char *mark = strlen(line) > 4 ? marked(line) : NULL;
		if (mark)
			failed = print_mark(argv[1], mark);
		else
			fputs(line, stdout);
	}
	if (fclose(template) != 0 || fflush(stdout) != 0)
		failed = 1;
	return failed;
}
