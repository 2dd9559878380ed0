/* SPDX-License-Identifier: Apache-2.0 */
/* A fact out of an index: any bytes are read within themselves, and are written as they were read. */
#include "services/fold/fact.h"
#include "tests/fuzz/fuzz.h"

static void parts(const struct fact *f)
{
	static const enum fact_part lists[] = { FACT_FROM, FACT_TO, FACT_PART_OF, FACT_SUPERSEDES,
						FACT_DEALS, FACT_ASSUME, FACT_SUBJECT };
	static const enum fact_part texts[] = { FACT_CONDITION, FACT_ORIGIN, FACT_RATE };
	uint32_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct numbers list = fact_numbers(f, lists[i]);
		require(list.n * sizeof(uint32_t) <= f->more_size);
		for (size_t k = 0; k < list.n; k++)
			sum += numbers_at(list, k);
		require(list.n == 0 || numbers_have(list, numbers_at(list, list.n - 1)));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct str s = fact_bytes(f, texts[i]);
		require(s.n <= f->more_size);
		for (size_t k = 0; k < s.n; k++)
			sum += (unsigned char)s.p[k];
	}
	require(sum || true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = fuzz_str(data, size);
	const uint32_t home = fuzz_byte(&bytes) & 1;
	char out[FACT_SIZE_MAX], again[FACT_SIZE_MAX];
	struct fact f, back;

	(void)fact_bytes_elsewhere(bytes);
	if (fact_read(bytes, home, FUZZ_NOW_US, 9, &f)) {
		(void)fact_order(&f);
		return 0;
	}
	require(f.seq == 9 && f.stated == FUZZ_NOW_US);
	parts(&f);
	(void)rung_of(f.kind, f.flags);
	if (bytes.n > FACT_SIZE_MAX - 64)
		return 0;
	const size_t n = fact_write(&f, home, out);
	require(fact_read((struct str){ out, n }, home, f.stated, 9, &back) == ERR_OK);
	require(fact_write(&back, home, again) == n && memcmp(out, again, n) == 0);
	return 0;
}
