/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf: the hash of an event as a leaf of RFC 9162's tree.
 *
 * OpenSSL's SHA-256 uses the processor's own instructions: a fifth of libsodium's time for an event
 * of 300 bytes, and every event is hashed by the ledger and again by each replica. The calls of its
 * level 1.1.0 keep their state on the stack, so that hashing cannot fail.
 */
#define OPENSSL_API_COMPAT 10100
#include <openssl/sha.h>

#include "proto/msg.h"

_Static_assert(SHA256_DIGEST_LENGTH == HASH_SIZE, "a leaf is a SHA-256");

/* Most significant byte first. */
static void put_u64(unsigned char *p, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		p[7 - i] = (unsigned char)(n >> 8 * i);
}

void leaf_hash(uint64_t epoch, uint64_t seq, int64_t recorded_us, struct str event, struct hash *out)
{
	SHA256_CTX state;
	unsigned char lead[1 + 5 + 3 * 8] = { 0, 'a', 'v', 'o', 'w', '1' };

	put_u64(lead + 6, epoch);
	put_u64(lead + 14, seq);
	put_u64(lead + 22, (uint64_t)recorded_us);
	(void)SHA256_Init(&state);
	(void)SHA256_Update(&state, lead, sizeof(lead));
	(void)SHA256_Update(&state, event.p, event.n);
	(void)SHA256_Final(out->b, &state);
}
