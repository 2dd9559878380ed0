/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg: records and messages as structs, generated from messages.def, and the one codec that walks
 * their descriptions. See PROTOCOL.md for what stands on the wire.
 *
 * For a row FIELD(publish, partial, BOOL, …) there is `struct publish { uint64_t has; … bool
 * partial; … }`. Bit publish_HAS_partial of `has` tells whether the field is there: read it with
 * msg_has(p, publish, partial); set both with msg_set(p, publish, partial, true), or set the bit of
 * a list or nested record with msg_mark. Lists are { v, n }. Decoded structs borrow: their texts
 * point into the wire bytes, their lists into the arena.
 */
#ifndef AVOW_PROTO_MSG_H
#define AVOW_PROTO_MSG_H

#include <endian.h>

#include "proto/value.h"

#define PROTO_VERSION 1
#define MSG_BYTES_MAX (16u << 20) /* size of one message */
#define EVENT_BYTES_MAX 65536u	  /* size of one encoded event */
#define BATCH_EVENTS_MAX 10000u	  /* events in one publish */
#define BATCH_BYTES_MAX (8u << 20) /* bytes of all of them */
#define MSG_DEPTH_MAX 8u	  /* nesting of maps and arrays */
#define MAP_KEYS_MAX 64u	  /* keys in one map, those that are not known here included */
#define KEY_BYTES_MAX 512u	  /* of one key */
#define REQUEST_PLAIN_MAX (512u << 10) /* bytes of a request that are no content of bin, as events are */
#define TEXT_ITEM_MAX 512u	  /* bytes of one text in a list */
#define HASH_SIZE 32u

/* enums.def: enum kind { kind_NONE, kind_rumour, … kind_COUNT } and so on. */
#define ENUM(e, doc) enum e { e##_NONE = 0,
#define VALUE(e, v, doc) e##_##v,
#define END_ENUM(e) e##_COUNT };
#include "proto/enums.def"
#undef ENUM
#undef VALUE
#undef END_ENUM

/* Types of scalar fields, and what each is in C. */
enum ftype {
	F_BOOL,	    /* bool */
	F_U64,	    /* uint64_t: MessagePack integer 0 to 2^63-1; the limit column is the largest, 0: any */
	F_I64,	    /* int64_t */
	F_TIME,	    /* int64_t: microseconds since 1970 UTC; RFC 3339 in JSON */
	F_ID,	    /* uint8_t[16]: bin; UUID text in JSON */
	F_HASH,	    /* uint8_t[32]: bin; hexadecimal in JSON */
	F_TEXT,	    /* struct str: UTF-8 in NFC */
	F_SLUG,	    /* struct str: checked by slug_check */
	F_BYTES,    /* struct str: bin; in JSON the decoded event where it is one, else hexadecimal */
	F_DATE,	    /* struct str: EDTF level 1 */
	F_WHEN,	    /* struct str: a day or an instant */
	F_DAY,	    /* struct str: YYYY-MM-DD */
	F_DECIMAL,  /* struct str: exact decimal */
	F_MOVE,	    /* struct str: decimal percent, up or down */
	F_CURRENCY, /* struct str: ISO 4217 code */
	F_AMOUNT,   /* struct amount: map {low, high, currency, approx, low_excl, high_excl} */
	F_ENUM,	    /* int: text on the wire; 0 where the word is not known here */
	F_SUB,	    /* nested struct */
	F_PAIRS	    /* list of structs of two texts: a map from the first to the second */
};
struct id { uint8_t b[ID_SIZE]; };
/* In the order of their bytes: below zero, zero, above zero. Here, since whole batches are sorted by it. */
static inline int id_cmp(const struct id *a, const struct id *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->b, ID_SIZE);
	memcpy(y, b->b, ID_SIZE);
	const size_t i = x[0] == y[0];
	return x[i] == y[i] ? 0 : be64toh(x[i]) < be64toh(y[i]) ? -1 : 1;
}
struct hash { uint8_t b[HASH_SIZE]; };
typedef bool ftype_BOOL;
typedef uint64_t ftype_U64;
typedef int64_t ftype_I64, ftype_TIME;
typedef struct id ftype_ID;
typedef struct hash ftype_HASH;
typedef struct str ftype_TEXT, ftype_SLUG, ftype_BYTES, ftype_DATE, ftype_WHEN, ftype_DAY,
	ftype_DECIMAL, ftype_MOVE, ftype_CURRENCY;
typedef struct amount ftype_AMOUNT;

/* Lists: the items belong to whoever made the list; decoded ones lie in the arena. */
struct id_list { struct id *v; size_t n; };
struct hash_list { struct hash *v; size_t n; };
struct u64_list { uint64_t *v; size_t n; };
struct str_list { struct str *v; size_t n; };
struct enum_list { int *v; size_t n; };
typedef struct id_list flist_ID;
typedef struct hash_list flist_HASH;
typedef struct u64_list flist_U64;
typedef struct str_list flist_TEXT, flist_SLUG, flist_BYTES;

/* The structs. */
#define RECORD(r, doc) struct r { uint64_t has;
#define MESSAGE(r, doc) RECORD(r, doc)
#define REQUEST(r, answer, doc) RECORD(r, doc)
#define FIELD(r, f, T, need, limit, doc) ftype_##T f;
#define FIELD_ENUM(r, f, e, need, doc) int f;
#define FIELD_SUB(r, f, r2, need, doc) struct r2 f;
#define LIST(r, f, T, need, limit, doc) flist_##T f;
#define LIST_ENUM(r, f, e, need, limit, doc) struct enum_list f;
#define LIST_SUB(r, f, r2, need, limit, doc) struct r2##_list f;
#define PAIRS(r, f, r2, need, limit, doc) struct r2##_list f;
#define END(r) }; struct r##_list { struct r *v; size_t n; };
#include "proto/messages.def"
#include "proto/undef.h"

/* The bits of `has`. */
#define RECORD(r, doc) enum r##_field {
#define MESSAGE(r, doc) RECORD(r, doc)
#define REQUEST(r, answer, doc) RECORD(r, doc)
#define FIELD(r, f, T, need, limit, doc) r##_HAS_##f,
#define FIELD_ENUM(r, f, e, need, doc) r##_HAS_##f,
#define FIELD_SUB(r, f, r2, need, doc) r##_HAS_##f,
#define LIST(r, f, T, need, limit, doc) r##_HAS_##f,
#define LIST_ENUM(r, f, e, need, limit, doc) r##_HAS_##f,
#define LIST_SUB(r, f, r2, need, limit, doc) r##_HAS_##f,
#define PAIRS(r, f, r2, need, limit, doc) r##_HAS_##f,
#define END(r) r##_FIELDS };
#include "proto/messages.def"
#include "proto/undef.h"

#define msg_has(x, r, f) ((bool)((x)->has >> r##_HAS_##f & 1))
#define msg_mark(x, r, f) ((void)((x)->has |= UINT64_C(1) << r##_HAS_##f))
#define msg_set(x, r, f, value) ((x)->f = (value), msg_mark(x, r, f))

/* Descriptions, one a record: what the codec, JSON, and the documentation walk. */
struct shape;
struct field {
	const char *name, *doc;
	size_t name_n;			  /* bytes of the name */
	enum ftype type;
	bool list, required;
	uint64_t limit;
	size_t offset;			  /* of the member in the struct */
	const struct shape *sub;	  /* F_SUB, F_PAIRS */
	const struct enum_info *words;	  /* F_ENUM */
	/* the name as it is written before the value: MessagePack's short text */
	struct field_key {
		char head, text[31];
	} key;
};
struct shape {
	const char *name, *doc;
	size_t name_n;	     /* bytes of the name */
	bool message;	     /* stands on its own, with a header */
	const char *answer;  /* name of the message that answers this request, else NULL */
	uint32_t type;	     /* enum msg_type of a message */
	size_t size;	     /* of the struct */
	const struct field *fields;
	size_t nfields;
};
struct enum_info {
	const char *name, *doc;
	size_t count;		       /* of words; word i has value i + 1 */
	const char *const *words, *const *docs;
};

/* shape_publish, shape_event, …; enum_kind, enum_rung, …; MSG_publish, … */
#define ENUM(e, doc) extern const struct enum_info enum_##e;
#define VALUE(e, v, doc)
#define END_ENUM(e)
#include "proto/enums.def"
#undef ENUM
#undef VALUE
#undef END_ENUM
#define FIELD(...)
#define FIELD_ENUM(...)
#define FIELD_SUB(...)
#define LIST(...)
#define LIST_ENUM(...)
#define LIST_SUB(...)
#define PAIRS(...)
#define END(r)
#define RECORD(r, doc) extern const struct shape shape_##r;
#define MESSAGE(r, doc) extern const struct shape shape_##r;
#define REQUEST(r, answer, doc) extern const struct shape shape_##r;
#include "proto/messages.def"
#undef RECORD
#undef MESSAGE
#undef REQUEST
#define RECORD(r, doc)
#define MESSAGE(r, doc) MSG_##r,
#define REQUEST(r, answer, doc) MSG_##r,
enum msg_type { MSG_NONE = 0,
#include "proto/messages.def"
MSG_COUNT };
#include "proto/undef.h"
/* Row i of the tables in their order, NULL behind the last: for documentation and tools. */
const struct shape *shape_at(size_t i);
const struct enum_info *enum_at(size_t i);

/* The word of a value, NULL for 0 and unknown values; the value of a word, 0 for unknown words. */
const char *enum_word(const struct enum_info *e, int value);
int enum_value(const struct enum_info *e, struct str word);

/* The header: the first keys of every message's map. */
struct head {
	uint64_t v;	    /* "v": protocol version; to encode, 0 means PROTO_VERSION */
	enum msg_type type; /* "type": its name; MSG_NONE where it is not known here */
	uint64_t rid;	    /* "rid": chosen by who asks, repeated in the answer; 0 where absent */
	uint64_t ttl_ms;    /* "ttl_ms": milliseconds left to answer; 0: none given */
};
#define TTL_DEFAULT_MS 10000u
#define TTL_MAX_MS 600000u

/*
 * Append one message to `out`. Fields whose bit is not set are left out; encoding is canonical:
 * fields in the order of the table, the shortest form of each number. ERR_TOO_LARGE, ERR_NO_MEMORY.
 * A required field that is missing is a fault of the caller (require).
 */
MUST_USE enum err msg_encode(const struct shape *s, const struct head *head, const void *msg,
			     struct buf *out);
/*
 * Read only the header of a message and check that the whole is one well-formed map within the
 * limits (depth, duplicate keys, floats, UTF-8, trailing bytes).
 * ERR_MALFORMED, _DUPLICATE_KEY, _FLOAT, _BAD_UTF8, _TOO_DEEP, _TOO_LARGE, _WRONG_TYPE,
 * _MISSING_FIELD, _BAD_VERSION (v is filled in), _UNKNOWN_MESSAGE (rid is filled in where present).
 */
MUST_USE enum err msg_peek(struct str wire, struct head *head, struct fault *fault);
/*
 * The same for what strangers send: also ERR_TOO_LARGE where more than REQUEST_PLAIN_MAX bytes are no
 * content of bin, so that a message of any bytes is refused within milliseconds.
 */
MUST_USE enum err request_peek(struct str wire, struct head *head, struct fault *fault);
/*
 * Read the header of an answer, and of the message no more than that takes: what stands behind its version,
 * type and rid is checked by msg_decode alone. Errors as of msg_peek.
 */
MUST_USE enum err answer_peek(struct str wire, struct head *head, struct fault *fault);
/*
 * Decode the body. Unknown keys are ignored; words that are not known here are refused in requests,
 * 0 elsewhere. Texts borrow from wire, lists lie in the arena. Besides msg_peek's errors: those of
 * the values, ERR_MISSING_FIELD, ERR_TOO_LARGE with fault->max, ERR_NO_MEMORY.
 */
MUST_USE enum err msg_decode(const struct shape *s, struct str wire, struct arena *a, void *msg,
			     struct fault *fault);
const struct shape *shape_of(enum msg_type type);

/* The same for a record without header, as the bytes of an event. */
MUST_USE enum err record_encode(const struct shape *s, const void *rec, struct buf *out);
MUST_USE enum err record_decode(const struct shape *s, struct str wire, struct arena *a, void *rec,
				struct fault *fault);
/* The same; words that are not known here are refused with ERR_BAD_VALUE or ERR_UNKNOWN_KIND. */
MUST_USE enum err record_decode_strict(const struct shape *s, struct str wire, struct arena *a,
				       void *rec, struct fault *fault);

/*
 * JSON (RFC 8259), one line, appended to out; absent fields are left out. Ids are UUID text, times
 * RFC 3339, hashes hexadecimal, an amount {"low": "15000000000", "high": …, "currency": "USD"} with
 * decimals in major units as text and null for an open bound, plus its flags where true; identifiers
 * a map from scheme to value; BYTES that hold an event are that event.
 */
MUST_USE enum err json_write(const struct shape *s, const void *rec, struct arena *a, struct buf *out);
/*
 * An event as an export has it: one object of seq, epoch, recorded, then the event's own fields as
 * its publisher sent them, those included that are not known here. The errors of event_peek.
 */
MUST_USE enum err json_write_entry(const struct entry *entry, struct arena *a, struct buf *out);
/*
 * Read a record from JSON text: the same form, and an amount also as people's text. Texts are
 * brought to NFC; one slug where a list stands is a list of one; null is absent; unknown keys are
 * refused with ERR_UNKNOWN_FIELD and the nearest name. An event may lack its id (the caller makes
 * one) and may have the seq, epoch and recorded of an export, which are passed over. ERR_BAD_JSON
 * names line and column in its text; other errors name the field. Everything lies in the arena.
 */
MUST_USE enum err json_read(const struct shape *s, struct str text, struct arena *a, void *rec,
			    struct fault *fault);

/* ---- the event: rules beyond its shape, see event.c ---- */

/*
 * Decode an event as a reader does: well-formed, types and values right, but an unknown kind or
 * word is tolerated (value 0).
 */
MUST_USE enum err event_decode(struct str bytes, struct arena *a, struct event *e, struct fault *fault);
/*
 * Decode and check as ingest does: every rule that needs nothing but the event itself and the
 * time: which fields the kind needs and takes, a known kind, source, `stated` not later than a day
 * from now, one `from` on statements, low <= high, …
 */
MUST_USE enum err event_check(struct str bytes, int64_t now_us, struct arena *a, struct event *e,
			      struct fault *fault);
/* The same rules on a struct that was not decoded from bytes (tools). */
MUST_USE enum err event_check_struct(const struct event *e, int64_t now_us, struct fault *fault);
/*
 * What a kind asks for, as bits of event_HAS_…: fields that it needs and others that it takes;
 * all the rest is refused. Without ref it needs `stated`; with ref it does not.
 */
struct kind_rule {
	uint64_t needs, takes;
	bool statement; /* somebody's statement about money: at most one payer */
};
/* Of a known kind. */
const struct kind_rule *kind_rule(int kind);
/* Only what the ledger needs of an event's bytes, without memory. Fields absent: empty, false. */
struct event_keys {
	struct id id, ref;
	bool has_ref;
	struct str deal, stated; /* borrow from bytes */
	int kind;
};
MUST_USE enum err event_peek(struct str bytes, struct event_keys *keys, struct fault *fault);
/*
 * Whether two events are the same content: the same bytes, or the same keys and values in another
 * order or other lengths of numbers.
 */
MUST_USE enum err event_same(struct str a, struct str b, struct arena *arena, bool *same);

/*
 * The leaf hash of RFC 9162 over an event and the ledger's own header:
 *   SHA-256(0x00 || entry), entry = "avow1" || epoch || seq || recorded || event bytes,
 * the three numbers as 8 bytes, most significant first.
 */
void leaf_hash(uint64_t epoch, uint64_t seq, int64_t recorded_us, struct str event, struct hash *out);

/* Fill an `error` message out of a fault; texts borrow from the fault and the table. */
void error_from_fault(const struct fault *fault, struct error *out);
/* And back, for clients. */
void fault_from_error(const struct error *e, struct fault *fault);

#endif
