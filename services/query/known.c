/* SPDX-License-Identifier: Apache-2.0 */
/* known: a table of hashes, one slot for each. */
#include "services/query/known.h"

#include <stdlib.h>

/* FNV-1a; who finds keys of one slot makes them cost what they would without this. */
#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)
#define HASH_TIMES UINT64_C(0x100000001b3)

struct slot {
	uint8_t key_size; /* 0: it is empty */
	uint8_t table;
	uint32_t number;
	char key[KNOWN_KEY_MAX];
};

struct known {
	struct slot slots[KNOWN_ROWS];
};
_Static_assert((KNOWN_ROWS & (KNOWN_ROWS - 1)) == 0, "a hash is cut by a mask");

struct known *known_new(void)
{
	return calloc(1, sizeof(struct known));
}

void known_free(struct known *k)
{
	free(k);
}

static size_t slot_of(unsigned table, struct str key)
{
	uint64_t hash = (HASH_BEGIN ^ table) * HASH_TIMES;

	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * HASH_TIMES;
	return (hash ^ hash >> 32) & (KNOWN_ROWS - 1);
}

bool known_find(const struct known *k, unsigned table, struct str key, uint32_t *number)
{
	if (!k)
		return false;
	const struct slot *s = &k->slots[slot_of(table, key)];
	if (s->key_size == 0 || s->table != table || s->key_size != key.n ||
	    memcmp(s->key, key.p, key.n) != 0)
		return false;
	*number = s->number;
	return true;
}

void known_put(struct known *k, unsigned table, struct str key, uint32_t number)
{
	if (!k || key.n > KNOWN_KEY_MAX)
		return;
	struct slot *s = &k->slots[slot_of(table, key)];
	s->key_size = (uint8_t)key.n;
	s->table = (uint8_t)table;
	s->number = number;
	memcpy(s->key, key.p, key.n);
}

void known_forget(struct known *k)
{
	if (k)
		*k = (struct known){ 0 };
}
