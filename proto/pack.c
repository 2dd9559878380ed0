/* SPDX-License-Identifier: Apache-2.0 */
/* pack: MessagePack is written by msgpack-c, which takes the shortest form of everything. */
#include <msgpack.h>

#include "proto/wire.h"

/* MessagePack's fixstr: 101XXXXX, the length in the low bits. */
#define SHORT_TEXT_MAX 31u
/* fixmap: 1000XXXX, fixarray: 1001XXXX. */
#define SHORT_ITEMS_MAX 15u

/* msgpack-c hands on what its callback returns. */
static int append(void *out, const char *p, size_t n)
{
	return (int)buf_put(out, p, n);
}

static msgpack_packer packer(struct buf *out)
{
	msgpack_packer k;

	msgpack_packer_init(&k, out, append);
	return k;
}

static enum err put_byte(struct buf *out, unsigned byte)
{
	char *to;
	const enum err e = buf_grow(out, 1, &to);

	if (!e)
		*to = (char)byte;
	return e;
}

enum err put_map(struct buf *out, size_t pairs)
{
	msgpack_packer k = packer(out);

	require(pairs <= UINT32_MAX);
	if (pairs <= SHORT_ITEMS_MAX)
		return put_byte(out, 0x80 | (unsigned)pairs);
	return (enum err)msgpack_pack_map(&k, pairs);
}

enum err put_array(struct buf *out, size_t items)
{
	msgpack_packer k = packer(out);

	require(items <= UINT32_MAX);
	if (items <= SHORT_ITEMS_MAX)
		return put_byte(out, 0x90 | (unsigned)items);
	return (enum err)msgpack_pack_array(&k, items);
}

/* Most of what is written are short texts: their one byte of head and their bytes at once. */
static enum err put_short(struct buf *out, struct str s)
{
	char *to;
	const enum err e = buf_grow(out, 1 + s.n, &to);

	if (e)
		return e;
	*to = (char)(0xa0 | s.n);
	if (s.n)
		memcpy(to + 1, s.p, s.n);
	return ERR_OK;
}

enum err put_text(struct buf *out, struct str s)
{
	msgpack_packer k = packer(out);

	require(s.n <= UINT32_MAX);
	if (s.n <= SHORT_TEXT_MAX)
		return put_short(out, s);
	const enum err e = (enum err)msgpack_pack_str(&k, s.n);
	return e ? e : (enum err)msgpack_pack_str_body(&k, s.p, s.n);
}

enum err put_bin(struct buf *out, struct str s)
{
	msgpack_packer k = packer(out);

	require(s.n <= UINT32_MAX);
	const enum err e = (enum err)msgpack_pack_bin(&k, s.n);
	return e ? e : (enum err)msgpack_pack_bin_body(&k, s.p, s.n);
}

enum err put_bool(struct buf *out, bool value)
{
	msgpack_packer k = packer(out);

	return (enum err)(value ? msgpack_pack_true(&k) : msgpack_pack_false(&k));
}

enum err put_uint(struct buf *out, uint64_t value)
{
	msgpack_packer k = packer(out);

	return (enum err)msgpack_pack_uint64(&k, value);
}

enum err put_int(struct buf *out, int64_t value)
{
	msgpack_packer k = packer(out);

	return (enum err)msgpack_pack_int64(&k, value);
}
