// SPDX-License-Identifier: GPL-2.0-only
#include "metrics.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "desk.h"
#include "health.h"

/* One that has no labels. */
static void print(FILE *f, const char *name, const char *type, const char *help,
		  double value)
{
	fprintf(f,
		"# HELP portcullis_%s %s\n# TYPE portcullis_%s %s\n"
		"portcullis_%s %.15g\n",
		name, help, name, type, name, value);
}

static void gauge(FILE *f, const char *name, const char *help, double value)
{
	print(f, name, "gauge", help, value);
}

static void counter(FILE *f, const char *name, const char *help, uint64_t value)
{
	print(f, name, "counter", help, (double)value);
}

static void print_decisions(FILE *f, const struct desk *d)
{
	fprintf(f, "# HELP portcullis_decisions_total Decisions made.\n"
		   "# TYPE portcullis_decisions_total counter\n");
	for (int k = 0; k < DIALECT_MAX; k++) {
		for (int r = 0; r < PC_R_MAX; r++) {
			if (d->decided[k][r])
				fprintf(f,
					"portcullis_decisions_total{dialect=\"%s\",reason=\"%s\"} %llu\n",
					dialect_name(k), reason_name(r),
					(unsigned long long)d->decided[k][r]);
		}
	}
	fprintf(f,
		"# HELP portcullis_stale_decisions_total Decisions made without something.\n"
		"# TYPE portcullis_stale_decisions_total counter\n");
	for (uint8_t s = 1; s < 4; s++)
		fprintf(f,
			"portcullis_stale_decisions_total{without=\"%s\"} %llu\n",
			ruling_stale_name(s),
			(unsigned long long)d->decided_stale[s]);
}

static void print_http(FILE *f, const struct health *h)
{
	struct http_counts c;

	http_counts(&c, h->http);
	gauge(f, "connections", "Open connections.", (double)c.connections);
	counter(f, "requests_total", "HTTP requests.", c.requests);
	counter(f, "plain_requests_total",
		"HTTP requests that needed no library.", c.plain);
	counter(f, "connections_total", "Connections since the start.",
		c.accepted);
	counter(f, "connections_evicted_total",
		"Connections closed to make room for others.", c.evicted);
	counter(f, "connections_slow_total",
		"Connections closed for being too slow.", c.too_slow);
	counter(f, "connections_refused_total",
		"Connections of users that may not ask.", c.refused_peers);
}

static void print_money(FILE *f, const struct health *h)
{
	struct ledger_totals totals;
	struct spend_counts c;

	ledger_totals(&totals, h->ledger);
	spend_counts(&c, h->spend);
	gauge(f, "ledger_accounts", "Accounts in memory.",
	      (double)totals.n_accounts);
	gauge(f, "holds", "Holds that are not settled.",
	      (double)totals.n_holds);
	gauge(f, "held_nusd", "Their sum in nano-USD.",
	      (double)totals.held_nusd);
	counter(f, "charges_total", "Charges counted.", c.counted);
	counter(f, "holds_total", "Holds made.", c.holds);
	counter(f, "holds_expired_total", "Holds that were never settled.",
		c.expired);
	counter(f, "duplicates_total", "Requests counted before.",
		c.duplicates);
	counter(f, "conflicts_total", "Request ids used for something else.",
		c.conflicts);
	counter(f, "unkept_total", "Requests that could not be kept.",
		c.failed);
	gauge(f, "overshoot_bound_nusd",
	      "The most a key may overshoot its quota, but for its last request.",
	      (double)h->overshoot_nusd);
	counter(f, "key_map_updates_total",
		"Keys told to the kernel because of their use.",
		h->crossing->told);
}

static void print_journal(FILE *f, const struct health *h)
{
	struct journal_health j = { .available = true };

	if (h->journal)
		journal_health(&j, h->journal);
	gauge(f, "ledger_available", "Can the ledger be written?", j.available);
	counter(f, "ledger_commits_total", "Transactions.", j.commits);
	gauge(f, "ledger_queued", "Items that wait for one.", (double)j.queued);
}

char *metrics_print(const struct health *h, const struct desk *d, bool ready)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	gauge(f, "ready", "Can decisions be relied on?", ready);
	gauge(f, "keys", "Keys in the store.", (double)store_count(h->store));
	gauge(f, "snapshot_taken_seconds", "When the keys were true.",
	      (double)store_taken_ns(h->store) / 1e9);
	print_decisions(f, d);
	print_http(f, h);
	print_money(f, h);
	print_journal(f, h);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
