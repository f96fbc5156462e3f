/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values a command line flag can take: texts to typed fields.  A parser
 * checks form only; whether an interface or a file exists is not its business.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

#define VALUE_WHY_SIZE 160
#define VALUE_COUNT_MAX 1000000000u

struct text_list {
	char **items;
	size_t n;
};

/* What refused requests get. */
struct deny_actions {
	uint8_t usual;	      /* enum pc_deny */
	uint8_t of[PC_R_MAX]; /* 1 + enum pc_deny; 0: the usual */
};

/* What an allow becomes that rests on something too old or not available. */
enum stale_policy {
	STALE_SERVE,
	STALE_STRICT,
	STALE_DENY
};

struct stale_policies {
	uint8_t snapshot; /* enum stale_policy */
	uint8_t ledger;
};

/* So many in a time. */
struct rate {
	uint32_t n;
	uint64_t window_ns;
};

struct port_list {
	uint16_t *items;
	size_t n;
};

/*
 * Stores what text says.  choices is the flag's value as --help shows it.  0;
 * -ENOMEM; -EINVAL with the objection in why, to follow "--flag text: ".
 */
typedef int value_fn(void *field, const char *text, const char *choices,
		     char why[static VALUE_WHY_SIZE]);

value_fn value_switch;	  /* bool */
value_fn value_choice;	  /* uint8_t: which of the "a|b|c" in choices */
value_fn value_deny;	  /* struct deny_actions: "action" or "action:reason" */
value_fn value_time;	  /* int64_t Unix nanoseconds */
value_fn value_profile;	  /* uint8_t: enum pc_profile */
value_fn value_text;	  /* char *, owned */
value_fn value_path;	  /* char *: a request path without a query */
value_fn value_method;	  /* char * */
value_fn value_hash;	  /* char *: 64 hex digits */
value_fn value_interface; /* struct text_list */
value_fn value_header;	  /* struct text_list */
value_fn value_port;	  /* struct port_list */
value_fn value_prefix;	  /* struct prefix_list, no host bits */
value_fn value_address;	  /* struct prefix */
value_fn value_duration;  /* uint64_t nanoseconds */
value_fn value_count;	  /* uint64_t, up to VALUE_COUNT_MAX */
value_fn value_rate;	  /* struct rate, neither of them 0 */
value_fn value_listen;	  /* struct text_list: see listener.h */
value_fn value_user;	  /* struct text_list: names or numbers */
value_fn value_stale;	  /* struct stale_policies: "policy" or "policy:what" */
value_fn value_reason;	  /* char *: a ban's, see ban.h */
value_fn value_money;	  /* int64_t nano-USD, more than 0 */

/* Replaces an owned text.  0, -ENOMEM. */
int value_set_text(char **field, const char *text);
/* Appends a copy; a text already there is not listed twice.  0, -ENOMEM. */
int value_add_text(struct text_list *list, const char *text);
/* Leaves the list empty. */
void value_free_texts(struct text_list *list);

/*
 * Decimal digits only; *end is what follows them.  0; -EINVAL: there are none;
 * -ERANGE: more than max.
 */
int value_number(uint64_t *out, const char *text, uint64_t max,
		 const char **end);

#endif /* VALUE_H */
