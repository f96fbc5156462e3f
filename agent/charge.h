/* SPDX-License-Identifier: GPL-2.0-only */
/* The JSON bodies of /v1/usage, /v1/reserve, /v1/settle and /v1/release. */
#ifndef CHARGE_H
#define CHARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "pc_abi.h"

#define CHARGE_MAX 256 /* reports in one body */
#define CHARGE_ERROR_SIZE 192

enum charge_kind {
	CHARGE_USAGE,
	CHARGE_RESERVE,
	CHARGE_SETTLE,
	CHARGE_RELEASE
};

struct charge {
	char id[LEDGER_ID_MAX + 1];
	bool has_digest;
	struct pc_digest digest;
	bool has_cost;
	int64_t cost_nusd; /* >= 0 */
	bool has_ttl;
	int64_t ttl_ns;
};

struct charge_list {
	struct charge *items;
	size_t n;
	bool many; /* came as {"reports": […]} */
};

/*
 * 0; -ENOMEM; -EBADMSG with "field: what" in error, which quotes nothing of the
 * body.  *out is untouched on failure and freed with charge_list_fini().
 */
int charge_parse(struct charge_list *out, enum charge_kind kind,
		 const char *text, size_t size,
		 char error[static CHARGE_ERROR_SIZE]);
void charge_list_fini(struct charge_list *list);

#endif /* CHARGE_H */
