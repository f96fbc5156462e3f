/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was charged, by time, in a bounded number of buckets: about a second
 * long when recent, longer with age.  Answers "how much after T", where T only
 * ever has a few values: what was added since T was first asked for is exact,
 * and a bucket that lies across T does not count.  Never more than the truth.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stdint.h>

#define METER_BUCKETS 64

struct meter_bucket {
	int64_t first_ns;
	int64_t last_ns;
	int64_t cost_nusd;
};

struct meter {
	struct meter_bucket *buckets; /* by first_ns */
	int64_t since_ns;
	int64_t since_nusd; /* the sum after since_ns, when summed */
	uint8_t n;
	uint8_t room;
	bool asked; /* since_ns is valid: nothing is merged across it */
	bool summed;
};

void meter_fini(struct meter *m);

/* Makes room for one meter_add().  0, -ENOMEM. */
int meter_reserve(struct meter *m);
/* Adds what was charged in a span of time; a single charge has first = last. */
void meter_add(struct meter *m, int64_t first_ns, int64_t last_ns,
	       int64_t cost_nusd);
/* Takes a charge back. */
void meter_take(struct meter *m, int64_t at_ns, int64_t cost_nusd);

/* The sum of what was charged after a moment, which is remembered. */
int64_t meter_since(struct meter *m, int64_t since_ns);
/* The same, less what begins after another moment. */
int64_t meter_until(struct meter *m, int64_t since_ns, int64_t until_ns);
/* When the first charge at or after a moment was; INT64_MAX: none. */
int64_t meter_first_ns(const struct meter *m, int64_t from_ns);
/* The sum of [from, to). */
int64_t meter_between(const struct meter *m, int64_t from_ns, int64_t to_ns);

/* Forgets what ended before a moment. */
void meter_forget(struct meter *m, int64_t before_ns);

#endif /* METER_H */
