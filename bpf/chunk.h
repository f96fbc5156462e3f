/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The framing of a chunked body (RFC 9112 7.1), byte by byte, so that it does
 * not matter how segments cut it.  Data is not looked at but stepped over.
 * Plain C, compiled for BPF and natively.
 *
 * As strict as Go is: what might end elsewhere for another reader cannot be
 * followed.
 */
#ifndef PC_CHUNK_H
#define PC_CHUNK_H

#include "pc_abi.h"

#define PC_CHUNK_DIGITS 7 /* chunks below 256 MiB */

/* Value of a hexadecimal digit, or 16. */
static inline __u32 pc_chunk_digit(__u8 c)
{
	__u8 letter = c | 0x20;

	if (c >= '0' && c <= '9')
		return c - '0';
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

static inline int pc_chunk_is_control(__u8 c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

static inline int pc_chunk_size(struct pc_stream *st, __u8 c)
{
	__u32 digit = pc_chunk_digit(c);

	if (digit < 16 && st->digits < PC_CHUNK_DIGITS) {
		st->chunk = st->chunk * 16 + digit;
		st->digits++;
		return 0;
	}
	if (!st->digits || (c != ';' && c != '\r'))
		return -1;
	st->phase = c == ';' ? PC_PHASE_EXTENSION : PC_PHASE_SIZE_LF;
	return 0;
}

/* From a byte that must be c to the next phase. */
static inline int pc_chunk_expect(struct pc_stream *st, __u8 got, __u8 c,
				  __u8 phase)
{
	if (got != c)
		return -1;
	st->phase = phase;
	return 0;
}

/* In a line that is not read: on to its end. */
static inline int pc_chunk_line(struct pc_stream *st, __u8 c, __u8 end)
{
	if (c == '\r') {
		st->phase = end;
		return 0;
	}
	return pc_chunk_is_control(c) ? -1 : 0;
}

/* The end of a size line: over the data, or to the trailers. */
static inline int pc_chunk_data(struct pc_stream *st, __u8 c)
{
	if (c != '\n')
		return -1;
	st->phase = st->chunk ? PC_PHASE_DATA_CR : PC_PHASE_TRAILER;
	st->next += st->chunk;
	return 0;
}

static inline int pc_chunk_trailer(struct pc_stream *st, __u8 c)
{
	if (c == '\r') {
		st->phase = PC_PHASE_END_LF;
		return 0;
	}
	st->phase = PC_PHASE_TRAILER_LINE;
	return c == ' ' || c == '\t' || pc_chunk_is_control(c) ? -1 : 0;
}

static inline void pc_chunk_begin(struct pc_stream *st)
{
	st->phase = PC_PHASE_SIZE;
	st->chunk = 0;
	st->digits = 0;
}

/*
 * Takes the byte at st->next, and steps over it and over what need not be
 * looked at.  PC_PHASE_HEAD: the body has ended.  -1: it is no chunked body.
 */
static inline int pc_chunk_step(struct pc_stream *st, __u8 c)
{
	st->next++;
	switch (st->phase) {
	case PC_PHASE_SIZE:
		return pc_chunk_size(st, c);
	case PC_PHASE_EXTENSION:
		return pc_chunk_line(st, c, PC_PHASE_SIZE_LF);
	case PC_PHASE_SIZE_LF:
		return pc_chunk_data(st, c);
	case PC_PHASE_DATA_CR:
		return pc_chunk_expect(st, c, '\r', PC_PHASE_DATA_LF);
	case PC_PHASE_DATA_LF:
		pc_chunk_begin(st);
		return c == '\n' ? 0 : -1;
	case PC_PHASE_TRAILER:
		return pc_chunk_trailer(st, c);
	case PC_PHASE_TRAILER_LINE:
		return pc_chunk_line(st, c, PC_PHASE_TRAILER_LF);
	case PC_PHASE_TRAILER_LF:
		return pc_chunk_expect(st, c, '\n', PC_PHASE_TRAILER);
	case PC_PHASE_END_LF:
		return pc_chunk_expect(st, c, '\n', PC_PHASE_HEAD);
	default:
		return -1;
	}
}

#endif /* PC_CHUNK_H */
