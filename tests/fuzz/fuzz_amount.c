/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people write them: read, written in both forms, read again: the same amount. */
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static void same(const struct amount *a, const char *text)
{
	struct amount b;
	struct fault fault;

	fault_init(&fault);
	require(amount_parse(str_of(text), &b, &fault) == ERR_OK);
	require(a->low == b.low && a->high == b.high && a->low_open == b.low_open &&
		a->high_open == b.high_open && a->low_excl == b.low_excl &&
		a->high_excl == b.high_excl && a->approx == b.approx &&
		strcmp(a->currency, b.currency) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = fuzz_str(data, size);
	char out[AMOUNT_TEXT_SIZE], minor[MINOR_TEXT_SIZE];
	struct amount a;
	struct fault fault;
	int64_t units;

	fault_init(&fault);
	const enum err e = amount_parse(text, &a, &fault);
	if (e) {
		fuzz_refused(e, &fault);
	} else {
		require(amount_check(&a, &fault) == ERR_OK);
		amount_format(&a, out);
		same(&a, out);
		amount_format_short(&a, out);
		require(utf8_valid(str_of(out)));
		same(&a, out);
	}
	for (size_t i = 0; i < 3; i++) {
		const struct currency *c = currency_find(i == 0 ? STR("USD") : i == 1 ? STR("JPY") :
										 STR("CLF"));
		int64_t again;
		if (minor_parse(text, c, &units, NULL))
			continue;
		minor_format(units, c, minor);
		require(minor_parse(str_of(minor), c, &again, NULL) == ERR_OK && again == units);
	}
	return 0;
}
