// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a body of each kind.  Beyond memory safety: a failure touches
 * nothing and words an error that quotes nothing; a success is within the
 * bounds that the ledger counts on.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "charge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const char *error)
{
	size_t n = strnlen(error, CHARGE_ERROR_SIZE);

	assert(n > 0 && n < CHARGE_ERROR_SIZE);
	for (size_t i = 0; i < n; i++)
		assert(error[i] >= ' ' && error[i] <= '~');
}

static void check_charge(const struct charge *c, enum charge_kind kind)
{
	size_t n = strnlen(c->id, sizeof(c->id));

	assert(n >= 1 && n <= LEDGER_ID_MAX);
	for (size_t i = 0; i < n; i++)
		assert(c->id[i] >= ' ' && c->id[i] <= '~');
	assert(c->cost_nusd >= 0 && (c->has_cost || !c->cost_nusd));
	assert(!c->has_ttl ||
	       (c->ttl_ns >= 1000000000 && c->ttl_ns <= 86400LL * 1000000000));
	assert(c->has_digest || kind == CHARGE_SETTLE ||
	       kind == CHARGE_RELEASE);
	assert(c->has_cost || kind == CHARGE_RESERVE || kind == CHARGE_RELEASE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CHARGE_ERROR_SIZE] = "";

	for (int kind = CHARGE_USAGE; kind <= CHARGE_RELEASE; kind++) {
		struct charge_list list, untouched;

		memset(&list, 0x5a, sizeof(list));
		memcpy(&untouched, &list, sizeof(list));
		if (charge_parse(&list, (enum charge_kind)kind,
				 (const char *)data, size, error)) {
			check_error(error);
			assert(!memcmp(&list, &untouched, sizeof(list)));
			continue;
		}
		assert(list.n >= 1 && list.n <= CHARGE_MAX);
		assert(list.many ? kind == CHARGE_USAGE : list.n == 1);
		for (size_t i = 0; i < list.n; i++)
			check_charge(&list.items[i], (enum charge_kind)kind);
		charge_list_fini(&list);
	}
	return 0;
}
