// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head scanner on hostile bytes, against the naive parser.  What lies
 * behind the bytes in the buffer must not matter, nor where they were cut: each
 * input is scanned over two kinds of leftovers, the second time in two parts.
 */
#include "naive/compare.h"

static struct pc_scan scans[2];

static uint32_t scan(struct pc_scan *s, const uint8_t *data, size_t n)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->buf, data, n);
	s->filled = (uint32_t)n;
	return pc_head_scan(s);
}

/* Only the line in hand has to stay where it was. */
static uint32_t scan_in_two(struct pc_scan *s, const uint8_t *data, size_t n,
			    size_t cut)
{
	uint32_t r;

	memset(s, '\n', sizeof(*s));
	memcpy(s->buf, data, cut);
	s->filled = (uint32_t)cut;
	r = pc_head_scan(s);
	if (r != PC_R_HEAD_SPLIT)
		return r;
	if (cut % 2)
		memset(s->buf, 'a', s->line_at);
	memcpy(s->buf + cut, data + cut, n - cut);
	s->filled = (uint32_t)n;
	return pc_head_scan_more(s);
}

/* Somewhere, but always there for the same bytes. */
static size_t cut_of(const uint8_t *data, size_t n)
{
	uint32_t sum = 1;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + data[i];
	return sum % (n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t result, again;
	const char *what;

	if (n > PC_HEAD_MAX)
		n = PC_HEAD_MAX;
	result = scan(&scans[0], data, n);
	again = scan_in_two(&scans[1], data, n, cut_of(data, n));
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
