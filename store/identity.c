/* SPDX-License-Identifier: Apache-2.0 */
/* identity: the row that says what a store is. */
#include "store/identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

enum {
	AT_KIND = 0,
	AT_FORMAT = 8,
	AT_INDEX = 12,
	AT_LEDGER = 16,
	AT_EPOCH = 32,
	AT_CREATED = 40,
	AT_SUM = 48
};
_Static_assert(AT_SUM + 8 == IDENTITY_SIZE, "the row ends with its checksum");

void identity_write(const struct identity *i, char out[IDENTITY_SIZE])
{
	require(strlen(i->kind) == IDENTITY_KIND_SIZE);
	memcpy(out + AT_KIND, i->kind, IDENTITY_KIND_SIZE);
	be32_put(out + AT_FORMAT, i->format);
	be32_put(out + AT_INDEX, i->index_version);
	memcpy(out + AT_LEDGER, i->ledger.b, ID_SIZE);
	be64_put(out + AT_EPOCH, i->epoch);
	be64_put(out + AT_CREATED, (uint64_t)i->created);
	be64_put(out + AT_SUM, XXH3_64bits(out, AT_SUM));
}

enum err identity_parse(struct str bytes, const char *kind, uint32_t format, struct identity *out,
			struct fault *fault)
{
	*out = (struct identity){ .format = 0 };
	/* kind and format first: what comes behind them may be different in another format */
	if (bytes.n < AT_INDEX || memcmp(bytes.p, kind, IDENTITY_KIND_SIZE) != 0)
		return fault_set(fault, ERR_STORE_FOREIGN, NULL, "this is not an %s store", kind);
	out->format = be32_get(bytes.p + AT_FORMAT);
	if (out->format != format)
		return fault_set(fault, ERR_STORE_FOREIGN, NULL,
				 "the store has format %u, this version reads %u", out->format, format);
	if (bytes.n != IDENTITY_SIZE || be64_get(bytes.p + AT_SUM) != XXH3_64bits(bytes.p, AT_SUM))
		return fault_set(fault, ERR_DAMAGED, NULL, "the store's identity is damaged");
	memcpy(out->kind, kind, IDENTITY_KIND_SIZE);
	out->index_version = be32_get(bytes.p + AT_INDEX);
	memcpy(out->ledger.b, bytes.p + AT_LEDGER, ID_SIZE);
	out->epoch = be64_get(bytes.p + AT_EPOCH);
	out->created = (int64_t)be64_get(bytes.p + AT_CREATED);
	return ERR_OK;
}
