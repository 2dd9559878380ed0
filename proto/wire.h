/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: MessagePack, read within bounds and written in its shortest form.
 *
 * The reader believes nothing: every length and count is compared with the bytes left before it is
 * used, and nothing is reserved for it. Floating point and extension types are refused wherever
 * they stand. It needs no memory.
 */
#ifndef AVOW_PROTO_WIRE_H
#define AVOW_PROTO_WIRE_H

#include "proto/msg.h"

/*
 * What is left to read; borrows the bytes. `reserved`: so many of the bytes left may only be content of
 * bin items, see wire_of_request.
 */
struct wire {
	const unsigned char *p, *end;
	size_t reserved;
};

enum item_kind {
	ITEM_NIL,
	ITEM_BOOL,     /* u: 0 or 1 */
	ITEM_UINT,     /* u */
	ITEM_NEGATIVE, /* i, below zero */
	ITEM_TEXT,     /* s; its UTF-8 is not checked yet */
	ITEM_BIN,      /* s */
	ITEM_ARRAY,    /* u: items that follow */
	ITEM_MAP       /* u: pairs that follow */
};
struct item {
	enum item_kind kind;
	uint64_t u;
	int64_t i;
	struct str s; /* borrows from the bytes read */
};

/* To read these bytes from their beginning. */
static inline struct wire wire_of(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	return (struct wire){ .p = p, .end = bytes.n ? p + bytes.n : p };
}
/*
 * The same for a request: wire_pass refuses it once REQUEST_PLAIN_MAX bytes of it are no content of
 * bin items, which need no look at all; all else takes time, however little it says.
 */
static inline struct wire wire_of_request(struct str bytes)
{
	struct wire w = wire_of(bytes);

	w.reserved = bytes.n > REQUEST_PLAIN_MAX ? bytes.n - REQUEST_PLAIN_MAX : 0;
	return w;
}

/* For wire_next and wire_key, where an item is none of those that nearly all are. */
MUST_USE enum err wire_next_any(struct wire *w, struct item *item, struct fault *fault);
MUST_USE enum err wire_key_any(struct wire *w, struct str *key, struct fault *fault);

/* Whether a text of less than 32 bytes comes next and is all there; then it is read. */
static inline bool wire_short_text(struct wire *w, struct str *out)
{
	const size_t left = (size_t)(w->end - w->p);

	if (left == 0 || (*w->p & 0xe0) != 0xa0 || (*w->p & 0x1fu) >= left)
		return false;
	*out = (struct str){ (const char *)w->p + 1, *w->p & 0x1f };
	w->p += 1 + out->n;
	return true;
}

/*
 * Read one item: a whole value, or the head of an array or map, whose content follows. A count
 * is at most what the bytes left can hold. ERR_MALFORMED, ERR_FLOAT, ERR_WRONG_TYPE (extensions).
 */
MUST_USE static inline enum err wire_next(struct wire *w, struct item *item, struct fault *fault)
{
	if (wire_short_text(w, &item->s)) {
		item->kind = ITEM_TEXT;
		return ERR_OK;
	}
	if (w->p == w->end || *w->p >= 0x80)
		return wire_next_any(w, item, fault);
	item->kind = ITEM_UINT;
	item->u = *w->p++;
	return ERR_OK;
}

/*
 * Read the key of a map's next pair: ERR_WRONG_TYPE where it is not text, ERR_TOO_LARGE beyond
 * KEY_BYTES_MAX. Its UTF-8 is not checked.
 */
MUST_USE static inline enum err wire_key(struct wire *w, struct str *key, struct fault *fault)
{
	return wire_short_text(w, key) ? ERR_OK : wire_key_any(w, key, fault);
}

/*
 * Pass over the content of an item that was just read and stands at this depth (of the maps and
 * arrays around it), checking everything: also ERR_BAD_UTF8, ERR_DUPLICATE_KEY, ERR_TOO_DEEP,
 * ERR_TOO_LARGE (more than MAP_KEYS_MAX keys, or a request with too much that is not bin).
 */
MUST_USE enum err wire_pass(struct wire *w, const struct item *item, unsigned depth,
			    struct fault *fault);
/* Whether the bytes are one well-formed map within the limits, with nothing behind it. */
MUST_USE enum err wire_check(struct str bytes, struct fault *fault);
/* ERR_WRONG_TYPE, with what was found and what was wanted ("a map"). */
enum err wire_wrong(const struct item *item, const char *wanted, struct fault *fault);

/* The keys of one map that were seen, to refuse doubles. Set n to 0 before the first. */
#define KEYS_AT_ONCE 16u
struct keyset {
	size_t n;
	uint64_t seen; /* a bit for each mark, shared by many: a key whose bit is not there is new */
	uint32_t mark[MAP_KEYS_MAX]; /* differs for most keys: compared first, so many at once */
	struct str key[MAP_KEYS_MAX];
};
/* ERR_DUPLICATE_KEY; ERR_BAD_UTF8; ERR_TOO_LARGE beyond MAP_KEYS_MAX. */
MUST_USE enum err keyset_add(struct keyset *k, struct str key, struct fault *fault);
/* Put a key that a stranger chose before the field of a fault; one that is not plain becomes "?". */
void fault_under_key(struct fault *fault, struct str key);

/* Valid UTF-8 (RFC 3629) without U+0000. */
bool utf8_valid(struct str s);
/* ASCII without U+0000, as most texts are: valid UTF-8, and in NFC, as it stands. */
bool plain_ascii(struct str s);

/* Append one item (pack.c); ERR_TOO_LARGE, ERR_NO_MEMORY as buf_put. */
MUST_USE enum err put_map(struct buf *out, size_t pairs);
MUST_USE enum err put_array(struct buf *out, size_t items);
MUST_USE enum err put_text(struct buf *out, struct str s);
MUST_USE enum err put_bin(struct buf *out, struct str s);
MUST_USE enum err put_bool(struct buf *out, bool value);
MUST_USE enum err put_uint(struct buf *out, uint64_t value);
MUST_USE enum err put_int(struct buf *out, int64_t value);

#endif
