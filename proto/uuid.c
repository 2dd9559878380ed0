/* SPDX-License-Identifier: Apache-2.0 */
/* uuid: the ids of events, RFC 9562. Random bits and SHA-256 are libsodium's. */
#include "proto/value.h"

#include <sodium.h>

#define US_PER_MS    1000
#define VARIANT_BITS 0x80u /* RFC 9562, section 4.1: 10xx in the first bits of byte 8 */

/* In text the groups are 8-4-4-4-12 digits; a hyphen stands at these places. */
static bool hyphen_at(size_t place)
{
	return place == 8 || place == 13 || place == 18 || place == 23;
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum err not_an_id(struct str text, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];

	text_quote(text, quote);
	return fault_set(fault, ERR_BAD_ID, NULL,
			 "\"%s\" is not a UUID; write 8-4-4-4-12 hexadecimal digits", quote);
}

enum err id_parse(struct str text, uint8_t id[ID_SIZE], struct fault *fault)
{
	size_t digits = 0;

	memset(id, 0, ID_SIZE);
	if (text.n != ID_TEXT_SIZE - 1)
		return not_an_id(text, fault);
	for (size_t i = 0; i < text.n; i++) {
		if (hyphen_at(i)) {
			if (text.p[i] != '-')
				return not_an_id(text, fault);
			continue;
		}
		const int value = hex_value(text.p[i]);
		if (value < 0)
			return not_an_id(text, fault);
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
		digits++;
	}
	ensure(digits == (size_t)2 * ID_SIZE);
	return ERR_OK;
}

void id_format(const uint8_t id[ID_SIZE], char text[ID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < ID_SIZE; i++) {
		if (hyphen_at(at))
			text[at++] = '-';
		text[at++] = hex[id[i] >> 4];
		text[at++] = hex[id[i] & 15];
	}
	text[at] = 0;
	ensure(at == ID_TEXT_SIZE - 1);
}

static void mark(uint8_t id[ID_SIZE], unsigned version)
{
	id[6] = (uint8_t)(version << 4 | (id[6] & 0x0f));
	id[8] = (uint8_t)(VARIANT_BITS | (id[8] & 0x3f));
}

void id_make(int64_t now_us, uint8_t id[ID_SIZE])
{
	/* a clock that was never set may stand before 1970: such ids only sort first */
	const uint64_t ms = now_us < 0 ? 0 : (uint64_t)now_us / US_PER_MS;

	/* may be called any number of times, from any thread; needed before randombytes_buf */
	if (sodium_init() < 0)
		impossible("libsodium cannot start: the system gives no random bits");
	randombytes_buf(id, ID_SIZE);
	for (size_t i = 0; i < 6; i++)
		id[i] = (uint8_t)(ms >> (40 - 8 * i));
	mark(id, 7);
}

void id_derive(const uint8_t space[ID_SIZE], struct str name, uint8_t id[ID_SIZE])
{
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];

	/* these never fail: they return 0 always */
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, space, ID_SIZE);
	(void)crypto_hash_sha256_update(&state, (const uint8_t *)name.p, name.n);
	(void)crypto_hash_sha256_final(&state, hash);
	memcpy(id, hash, ID_SIZE);
	mark(id, 8);
}
