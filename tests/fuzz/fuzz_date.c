/* SPDX-License-Identifier: Apache-2.0 */
/* EDTF dates, days and instants: no day after the last, and what is written reads back. */
#include "tests/fuzz/fuzz.h"

static void dates(struct str text)
{
	struct fault fault;
	struct date d;

	fault_init(&fault);
	const enum err e = date_parse(text, &d, &fault);
	if (e)
		fuzz_refused(e, &fault);
	else
		require(d.earliest <= d.latest);
}

static void days(struct str text)
{
	char out[DAY_TEXT_SIZE];
	struct date d;
	int32_t day, again;
	int year, month, mday;

	if (day_parse(text, &day, NULL))
		return;
	day_split(day, &year, &month, &mday);
	require(day_join(year, month, mday) == day);
	day_format(day, out);
	require(day_parse(str_of(out), &again, NULL) == ERR_OK && again == day);
	require(date_parse(text, &d, NULL) == ERR_OK && d.earliest == day && d.latest == day);
}

static void instants(struct str text)
{
	char out[TIME_TEXT_SIZE];
	struct when w;
	struct date d;
	int64_t us, again;

	if (time_parse(text, &us, NULL) == ERR_OK) {
		time_format(us, out);
		require(time_parse(str_of(out), &again, NULL) == ERR_OK && again == us);
	}
	if (when_parse(text, &w, NULL))
		return;
	require(day_of(w.us) == w.day);
	require(date_parse(text, &d, NULL) == ERR_OK && d.earliest == w.day && d.latest == w.day);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = fuzz_str(data, size);

	dates(text);
	days(text);
	instants(text);
	return 0;
}
