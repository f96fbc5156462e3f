// SPDX-License-Identifier: GPL-2.0-only
#include "health.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "desk.h"
#include "metrics.h"
#include "text.h"
#include "timestamp.h"

#define SUFFIX ".status"
#define JSON_SIZE 1024

/* Why no allow can be relied on; true: there is nothing. */
static bool is_ready(char why[static HEALTH_WHY_SIZE], const struct health *h,
		     const struct desk *d)
{
	uint8_t stale = ruling_stale(&d->ground, desk_now_ns(d));
	char when[TIMESTAMP_STRLEN], snapshot[96] = "", ledger[176] = "";
	struct journal_health journal = { .available = true };
	int64_t taken_ns = store_taken_ns(h->store);

	if (h->journal)
		journal_health(&journal, h->journal);
	if (!taken_ns)
		snprintf(snapshot, sizeof(snapshot), "no snapshot was loaded");
	else if (stale & RULING_STALE_SNAPSHOT)
		snprintf(snapshot, sizeof(snapshot),
			 "the snapshot is too old: %s",
			 timestamp_print(taken_ns, when));
	if (!journal.available)
		snprintf(ledger, sizeof(ledger), "ledger: %s", journal.error);
	snprintf(why, HEALTH_WHY_SIZE, "%s%s%s", snapshot,
		 *snapshot && *ledger ? "; " : "", ledger);
	return !*why;
}

static void print(struct text *t, const struct health *h, const struct desk *d)
{
	char why[HEALTH_WHY_SIZE];
	bool ready = is_ready(why, h, d);

	text_add(t, "{\"ready\":%s,\"why\":", ready ? "true" : "false");
	text_add_json(t, why);
	text_add(t,
		 ",\"time_ns\":%lld,\"pid\":%lld,\"keys\":%zu,"
		 "\"taken_ns\":%lld,\"overshoot_nusd\":%lld}\n",
		 (long long)clock_now_ns(), (long long)getpid(),
		 store_count(h->store), (long long)store_taken_ns(h->store),
		 (long long)h->overshoot_nusd);
}

static void serve_metrics(const struct health *h, const struct desk *d,
			  struct http_exchange *x, struct reply *r)
{
	char why[HEALTH_WHY_SIZE];
	char *text = metrics_print(h, d, is_ready(why, h, d));

	reply_init(r, text ? 200 : 503);
	r->type = "text/plain; version=0.0.4; charset=utf-8";
	r->body = text ? text : "";
	r->body_size = strlen(r->body);
	reply_header(r, "Cache-Control", "no-store");
	http_reply(x, r);
	free(text);
}

void health_serve(const struct health *h, const struct desk *d,
		  struct http_exchange *x, const struct http_request *req)
{
	char json[JSON_SIZE], why[HEALTH_WHY_SIZE];
	struct text t = { .buf = json, .size = sizeof(json) };
	struct reply r;

	if (!strcmp(req->path, "/metrics")) {
		serve_metrics(h, d, x, &r);
		return;
	}
	reply_init(&r, 200);
	if (strcmp(req->path, "/readyz")) {
		reply_json(&r, "{\"alive\":true}\n", 15);
	} else {
		print(&t, h, d);
		if (!is_ready(why, h, d))
			r.status = 503;
		reply_json(&r, json, t.used);
	}
	reply_header(&r, "Cache-Control", "no-store");
	http_reply(x, &r);
}

char *health_path(const char *trace)
{
	size_t n = strlen(trace) + sizeof(SUFFIX);
	char *path = malloc(n);

	if (path)
		snprintf(path, n, "%s%s", trace, SUFFIX);
	return path;
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool bad;

	if (!f)
		return -errno;
	bad = fputs(text, f) < 0;
	return fclose(f) || bad ? -EIO : 0;
}

int health_save(const struct health *h, const struct desk *d)
{
	char json[JSON_SIZE], next[4096];
	struct text t = { .buf = json, .size = sizeof(json) };
	int rc;

	if (!h->path)
		return 0;
	if ((size_t)snprintf(next, sizeof(next), "%s.new", h->path) >=
	    sizeof(next))
		return -ENAMETOOLONG;
	print(&t, h, d);
	rc = write_file(next, json);
	if (!rc && rename(next, h->path))
		rc = -errno;
	return rc;
}

int health_load(struct health_report *out, const char *path)
{
	json_t *json;
	const char *why;
	json_int_t time_ns, pid, keys, taken_ns, overshoot;
	int ready, rc = 0;

	if (access(path, R_OK))
		return -errno;
	json = json_load_file(path, 0, NULL);
	if (json_unpack(json, "{s:b, s:s, s:I, s:I, s:I, s:I, s:I}", "ready",
			&ready, "why", &why, "time_ns", &time_ns, "pid", &pid,
			"keys", &keys, "taken_ns", &taken_ns, "overshoot_nusd",
			&overshoot)) {
		rc = -EBADMSG;
	} else {
		*out = (struct health_report){ .ready = ready,
					       .time_ns = time_ns,
					       .pid = pid,
					       .keys = keys,
					       .taken_ns = taken_ns,
					       .overshoot_nusd = overshoot };
		snprintf(out->why, sizeof(out->why), "%s", why);
	}
	json_decref(json);
	return rc;
}
