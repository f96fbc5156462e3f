// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys in hostile queries: bpf/head_query.h, which decodes in place, against
 * agent/query.c, which decodes into strings of its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../agent/query.h"
#include "head_query.h"
#include "span.h"

static struct pc_scan s;
static struct pc_query q;

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_same(const char *query, const char *name,
		       const struct pc_parameter *got)
{
	struct span want;
	char *value;

	check(!query_find(&value, query, name));
	check(got->found == (value != NULL));
	if (!value)
		return;
	want = span_trim(span_of(value));
	check(!got->solid || want.size);
	check(got->solid || got->odd || !want.size);
	/* agent/query.c has \x01 where a NUL was. */
	if (!got->odd && !strchr(value, '\x01')) {
		check(got->end - got->at == want.size);
		check(!memcmp(s.buf + got->at, want.text, want.size));
	}
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char query[PC_TARGET_MAX + 1];

	if (n > PC_TARGET_MAX)
		n = PC_TARGET_MAX;
	for (size_t i = 0; i < n; i++)
		query[i] = (char)(data[i] ? data[i] : '%');
	query[n] = '\0';
	memset(&q, 0xa5, sizeof(q));
	/* What lies behind must not matter: digits, as if an escape went on. */
	memset(s.buf, '4', sizeof(s.buf));
	s.buf[n] = ' ';
	memcpy(s.buf, query, n);
	s.head.flags = PC_H_QUERY_UNSURE;
	s.head.query = (struct pc_span){ 0, (__u16)n };
	check(pc_head_query_scan(&s, &q) == PC_NEXT);
	check_same(query, "key", &q.key);
	check_same(query, "api_key", &q.api_key);
	return 0;
}
