// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head scanner on hostile bytes, against the naive parser.  What lies
 * behind the bytes in the buffer must not matter: each input is scanned over
 * two kinds of leftovers.
 */
#include "naive/compare.h"

static struct pc_scan scans[2];

static uint32_t scan(struct pc_scan *s, const uint8_t *data, size_t n, int rest)
{
	memset(s, rest, sizeof(*s));
	memcpy(s->buf, data, n);
	s->filled = (uint32_t)n;
	return pc_head_scan(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t result, again;
	const char *what;

	if (n > PC_HEAD_MAX)
		n = PC_HEAD_MAX;
	result = scan(&scans[0], data, n, 0);
	again = scan(&scans[1], data, n, '\n');
	if (result != again)
		abort();
	if (result == PC_NEXT &&
	    memcmp(&scans[0].head, &scans[1].head, sizeof(scans[0].head)))
		abort();
	what = compare_heads(&scans[0], result, n);
	if (what) {
		fprintf(stderr, "scanner and naive parser differ: %s\n", what);
		abort();
	}
	return 0;
}
