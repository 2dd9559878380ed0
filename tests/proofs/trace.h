/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: what a ledger did to its files, in order, as the recorder writes it down and the explorer
 * and the driver read it.
 *
 * A trace is a sequence of rows: this head, then `len` bytes. Numbers are as the machine has them.
 */
#ifndef AVOW_TESTS_PROOFS_TRACE_H
#define AVOW_TESTS_PROOFS_TRACE_H

#include <stdint.h>

enum trace_op {
	trace_begin = 'B',    /* a process starts; the bytes are data.mdb as it found it */
	trace_create = 'C',   /* the file is made, empty */
	trace_write = 'W',    /* is about to write the bytes at `off`; noted before the call */
	trace_written = 'E',  /* the write before it has returned, and was O_DSYNC */
	trace_sync = 'S',     /* fsync or fdatasync of the file has returned */
	trace_truncate = 'T', /* the file's length is set to `off` */
	trace_unlink = 'U',   /* the file is removed */
	trace_names = 'N',    /* fsync of the directory has returned */
	trace_ack = 'A',      /* an acknowledgement is about to be sent; the bytes are the message */
	trace_strange = 'X'   /* something that the explorer has no model of: the proof is void */
};
enum trace_file { trace_data, trace_lock, trace_files };

struct trace_row {
	uint8_t op, file, pad[2];
	uint32_t len;
	uint64_t off;
};

#endif
