// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the question, finds the evidence, prints the explanation.  A raw key is
 * read from standard input only, hashed at once and wiped.
 */
#include "explain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "answer.h"
#include "bantable.h"
#include "check_snapshot.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "maps.h"
#include "options.h"
#include "text.h"

#define TRIES 20 /* reloads that may come in between */
#define KEY_MAX 4096

static const char *variant_name(uint8_t variant)
{
	return variant == PC_VARIANT_GOOGLE ? "google" : "main";
}

/* What a row's last column says. */
static void print_result(FILE *f, const struct explanation_row *row)
{
	static const char *const words[EXPLAIN_STATES] = {
		[EXPLAIN_OK] = "ok",
		[EXPLAIN_REFUSES] = "FAILS",
		[EXPLAIN_PASSES] = "passes, nothing further is asked",
		[EXPLAIN_UNDECIDED] = "cannot be told here",
		[EXPLAIN_NOT_REACHED] = "not reached",
	};

	if (row->state == EXPLAIN_OK && row->note[0])
		fprintf(f, "%s\n", row->note);
	else
		fprintf(f, "%s%s%s\n", words[row->state],
			row->note[0] ? ": " : "", row->note);
}

/* " 403 API_KEY_EXPIRED"; nothing where the gateway has no such answer. */
static void print_answer(FILE *f, const struct explanation *x)
{
	struct answer a;

	if (!answer_find(&a, x->profile, x->dialect, x->gateway))
		fprintf(f, ": %d %s", a.status, a.code);
}

static void print_verdict(FILE *f, const struct explanation *x)
{
	enum explanation_state outcome = explanation_outcome(x);
	bool dropped = reason_class(x->reason) == PC_CLASS_DROP;

	fprintf(f, "verdict: ");
	if (outcome == EXPLAIN_PASSES) {
		fprintf(f, "allowed, %s", reason_name(x->reason));
	} else if (outcome == EXPLAIN_REFUSES) {
		fprintf(f, "%s, %s", dropped ? "dropped" : "refused",
			reason_name(x->reason));
		print_answer(f, x);
		if (!dropped && x->deny > PC_DENY_CLOSE)
			fprintf(f, ", by %s", deny_name(x->deny));
		if (x->monitor)
			fprintf(f, " (monitor mode: counted, and passes)");
	} else {
		fprintf(f, "undecided, %s: passes to the gateway",
			reason_name(x->reason));
		if (reason_class(x->gateway) == PC_CLASS_DENY) {
			fprintf(f, ", which refuses, %s",
				reason_name(x->gateway));
			print_answer(f, x);
		}
	}
	fputc('\n', f);
}

/* Whose sums these are: more may have been reported to the decision service. */
static void print_use(FILE *f, const struct explanation *x)
{
	fprintf(f, "use: as the %s\n",
		x->by_maps ? "kernel was last told; for key windows and group "
			     "limits ask /v1/check"
			   : "snapshot has it; for what was reported since ask "
			     "/v1/check");
}

void explain_print(FILE *f, const struct explanation *x)
{
	bool request_plane = false;

	fprintf(f, "address plane\n");
	for (size_t i = 0; i < x->n_rows; i++) {
		const struct explanation_row *row = &x->rows[i];

		if (row->request_plane && !request_plane)
			fprintf(f, "request plane (%s, %s, %s)\n",
				profile_name(x->profile),
				variant_name(x->variant),
				explanation_run_mode_name(x->run_mode));
		request_plane = row->request_plane;
		fprintf(f, "  %-18s %-28s ", row->check, row->input);
		print_result(f, row);
	}
	print_verdict(f, x);
	if (!x->address_only)
		print_use(f, x);
}

static json_t *rows_json(const struct explanation *x)
{
	json_t *all = json_array();

	for (size_t i = 0; i < x->n_rows; i++) {
		const struct explanation_row *row = &x->rows[i];

		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s, s:s, s:o}", "plane",
				  row->request_plane ? "request" : "address",
				  "check", row->check, "input", row->input,
				  "state", explanation_state_name(row->state),
				  "note", text_json(row->note)));
	}
	return all;
}

static json_t *explain_json(const struct explanation *x)
{
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:s, s:s, s:s}", "profile",
		profile_name(x->profile), "middleware",
		variant_name(x->variant), "run_mode",
		explanation_run_mode_name(x->run_mode), "monitor", x->monitor,
		"use", x->by_maps ? "kernel" : "snapshot", "deny",
		deny_name(x->deny), "checks", rows_json(x), "verdict",
		explanation_state_name(explanation_outcome(x)), "reason",
		reason_name(x->reason), "gateway_reason",
		reason_name(x->gateway));
	struct answer a;

	if (json && !answer_find(&a, x->profile, x->dialect, x->gateway)) {
		json_object_set_new(json, "status", json_integer(a.status));
		json_object_set_new(json, "code", json_string(a.code));
	}
	return json;
}

static int show(const struct explanation *x, bool json)
{
	json_t *j = json ? explain_json(x) : NULL;

	if (json && !j)
		return -ENOMEM;
	if (json) {
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	} else {
		explain_print(stdout, x);
	}
	return 0;
}

/* One line, or all there is.  Not by stdio, whose buffers nobody wipes. */
static ssize_t read_line(char *buf, size_t size)
{
	size_t used = 0;

	while (used < size && !memchr(buf, '\n', used)) {
		ssize_t n = read(STDIN_FILENO, buf + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* 0; 2 or 3, the exit code, with what is wrong on stderr. */
static int read_key(struct pc_digest *out)
{
	char buf[KEY_MAX + 1];
	ssize_t used = read_line(buf, sizeof(buf));
	const char *end = used > 0 ? memchr(buf, '\n', (size_t)used) : NULL;
	size_t size = end ? (size_t)(end - buf) : used > 0 ? (size_t)used : 0;
	int code = 0;

	/* Pasted from elsewhere: no key holds a carriage return. */
	if (size && buf[size - 1] == '\r')
		size--;
	if (used < 0) {
		log_line("standard input: %s", strerror((int)-used));
		code = 3;
	} else if (!size || size > KEY_MAX) {
		log_line("--key-stdin: a key of 1 to %d bytes is wanted",
			 KEY_MAX);
		code = 2;
	} else if (digest_key(out, buf, size)) {
		log_line("cannot hash the key");
		code = 3;
	}
	explicit_bzero(buf, sizeof(buf));
	return code;
}

static int explain(struct explanation *out, const struct evidence *e,
		   const struct options *o, const struct pc_digest *digest,
		   int64_t now_ns)
{
	const struct explanation_request req = {
		.address_only = !o->key_stdin && !o->key_hash,
		.digest = *digest,
		.ip = o->ip,
		.path = o->path,
		.method = o->method,
		.now_ns = now_ns,
	};

	return explanation_make(out, e, &req);
}

/* The explanation to stdout; the exit code. */
static int finish(const struct explanation *x, int err, const struct options *o)
{
	if (!err)
		err = show(x, o->json);
	if (err) {
		log_line("cannot explain: %s", strerror(-err));
		return 3;
	}
	if (fflush(stdout) || ferror(stdout)) {
		log_line("standard output: %s", strerror(errno));
		return 3;
	}
	if (explanation_outcome(x) == EXPLAIN_UNDECIDED)
		return 3;
	return explanation_outcome(x) == EXPLAIN_REFUSES && !x->monitor;
}

static int explain_by_file(const struct options *o,
			   const struct pc_digest *digest, int64_t now_ns)
{
	struct explanation x;
	struct evidence e;
	struct policy p;
	int err;

	if (check_snapshot_compile(&p, o, now_ns))
		return 3;
	evidence_of_policy(&e, &p);
	err = explain(&x, &e, o, digest, now_ns);
	policy_fini(&p);
	return finish(&x, err, o);
}

static const char *say_closed(int err)
{
	if (err == -ENOENT)
		return "nothing is pinned there; is portcullis running?";
	if (err == -EPERM || err == -EACCES)
		return "reading maps needs root, or CAP_BPF";
	return strerror(-err);
}

/* What is in force. */
struct source {
	struct maps *maps;
	const struct bantable *bans;
};

/*
 * The lookups are many and a reload may flip the policy between two of them:
 * what two generations said together nobody ever said, so it is asked again.
 */
static int explain_one_generation(struct explanation *out,
				  const struct source *from,
				  const struct options *o,
				  const struct pc_digest *digest,
				  int64_t now_ns)
{
	struct pc_policy after;
	struct evidence e;
	int err;

	for (int i = 0; i < TRIES; i++) {
		err = evidence_of_maps(&e, from->maps, from->bans);
		if (!err)
			err = explain(out, &e, o, digest, now_ns);
		if (!maps_read_policy(from->maps, &after) &&
		    after.generation == e.head.generation)
			return err;
	}
	return err ? err : -EAGAIN;
}

static int explain_by_maps(const struct options *o,
			   const struct pc_digest *digest, int64_t now_ns)
{
	static struct bantable bans;
	struct explanation x;
	struct maps m;
	int err = maps_open_pinned(&m, o->pin_dir);

	if (!err) {
		err = bantable_open(&bans, o->pin_dir);
		if (err)
			maps_close(&m);
	}
	if (err) {
		log_line("%s: %s", o->pin_dir, say_closed(err));
		return 3;
	}
	err = explain_one_generation(&x, &(struct source){ &m, &bans }, o,
				     digest, now_ns);
	bantable_close(&bans);
	maps_close(&m);
	if (err == -ENOENT) {
		log_line("%s: no policy is in force", o->pin_dir);
		return 3;
	}
	return finish(&x, err, o);
}

int explain_main(int argc, char **argv)
{
	struct pc_digest digest = { { 0 } };
	struct options o;
	int64_t now_ns = clock_now_ns();
	int code = options_parse(&o, argc, argv, OPTIONS_EXPLAIN);

	if (code)
		return code < 0 ? 2 : 0;
	if (o.key_stdin)
		code = read_key(&digest);
	else if (o.key_hash)
		digest_parse(&digest, o.key_hash, strlen(o.key_hash));
	if (!code && o.snapshot)
		code = explain_by_file(&o, &digest, now_ns);
	else if (!code)
		code = explain_by_maps(&o, &digest, now_ns);
	options_fini(&o);
	return code;
}
