/* SPDX-License-Identifier: Apache-2.0 */
/* leaf: the hash of an event as a leaf of RFC 9162's tree. */
#include <sodium.h>

#include "proto/msg.h"

_Static_assert(crypto_hash_sha256_BYTES == HASH_SIZE, "a leaf is a SHA-256");

/* Most significant byte first. */
static void put_u64(unsigned char *p, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		p[7 - i] = (unsigned char)(n >> 8 * i);
}

void leaf_hash(uint64_t epoch, uint64_t seq, int64_t recorded_us, struct str event, struct hash *out)
{
	crypto_hash_sha256_state state;
	unsigned char lead[1 + 5 + 3 * 8] = { 0, 'a', 'v', 'o', 'w', '1' };

	put_u64(lead + 6, epoch);
	put_u64(lead + 14, seq);
	put_u64(lead + 22, (uint64_t)recorded_us);
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, lead, sizeof(lead));
	(void)crypto_hash_sha256_update(&state, (const unsigned char *)event.p, event.n);
	(void)crypto_hash_sha256_final(&state, out->b);
}
