/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz: what the targets share: inputs taken apart, files made of bytes, stores that go away, and
 * answers that must be well-formed.
 *
 * A target is one function of libFuzzer's name. Built with clang it is fuzzed (tools/fuzz), with any
 * compiler it is replayed over the inputs that are kept (replay.c). It says that something is wrong
 * by ending the process: with `require`, or by a sanitizer.
 */
#ifndef AVOW_TESTS_FUZZ_H
#define AVOW_TESTS_FUZZ_H

#include "services/shared/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_NOW_US INT64_C(1738245600000000) /* 2025-01-30T14:00:00Z */
#define FUZZ_ARENA_MAX ((size_t)256 << 20)

/* The input as text that borrows. */
static inline struct str fuzz_str(const uint8_t *data, size_t size)
{
	return (struct str){ (const char *)data, size };
}
/* The first byte, 0 where there is none; the rest is left in *s. */
unsigned fuzz_byte(struct str *s);
/* The text up to a separator of one byte; the rest behind it is left in *s. */
struct str fuzz_cut(struct str *s, char separator);
/* A copy of exactly these bytes, so that AddressSanitizer sees what reads beyond them; for free(). */
char *fuzz_copy(struct str s);
/* A copy with a zero behind it; for free(). */
char *fuzz_text(struct str s);

/* A refusal has this code, and can be told: as an `error` message it is whole. */
void fuzz_refused(enum err e, const struct fault *fault);

/* A file without a name that holds these bytes: `path` opens it as long as the result is not closed. */
#define FUZZ_PATH_SIZE 64
int fuzz_file(struct str bytes, char path[FUZZ_PATH_SIZE]);
/* A new directory in memory where there is one; it goes with the process. */
const char *fuzz_dir(void);
/* Empty it. */
void fuzz_dir_empty(const char *dir);

/* ---- handlers: an input is messages one behind the other: who (1), size (2), bytes ---- */

#define FUZZ_FROM_LEDGER 0x80u /* said by the ledger behind, not by people */
#define FUZZ_NAMED 0x40u       /* the connection brings a name of its own */
#define FUZZ_LATER 0x20u       /* a tenth of a second after the one before */
#define FUZZ_TURN 0x10u	       /* ledger: this one ends a turn */
#define FUZZ_MESSAGES_MAX 32u  /* of one input */
struct fuzz_message {
	unsigned who;
	struct peer from;
	char *bytes; /* an exact copy; for free() */
	size_t n;
};
/* The next message; the size of the last may say more than there is. False: there is none. */
bool fuzz_message(struct str *input, struct fuzz_message *out);

/* What a core sent to people: counted, and each decoded and encoded again as it was read. */
struct fuzz_answers {
	size_t n;
	size_t of_peer[4]; /* by the last byte of the connection's name */
	struct arena arena;
	struct buf again;
};
void fuzz_answers_init(struct fuzz_answers *a);
void fuzz_answers_fini(struct fuzz_answers *a);
struct outlet fuzz_answers_outlet(struct fuzz_answers *a);
/* An outlet for what must only be well-formed: to the ledger behind, on the tape. */
struct outlet fuzz_outlet(struct fuzz_answers *a);

/*
 * What promise P15 gives one message: 10 ms of CPU. Under libFuzzer a message that took more, three
 * times, ends the process; where inputs are replayed nothing is timed.
 */
#define FUZZ_CPU_MAX_US 10000
struct fuzz_clock {
	int64_t begun_us, worst_us;
};
void fuzz_clock_start(struct fuzz_clock *c);
void fuzz_clock_stop(struct fuzz_clock *c);
/* Run a whole input up to three times, until no message of it took too long. */
void fuzz_within(void (*run)(struct str input, struct fuzz_clock *c), struct str input);

#endif
