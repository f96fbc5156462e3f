// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers conformance cases by the very functions that answer requests.  Prints
 * a file's lines only once all of its cases have been read and judged.
 */
#include "judge.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "cases.h"
#include "client.h"
#include "digest.h"
#include "limiter.h"
#include "snapshot.h"

/* Profiles to judge by: [first, last]. */
struct profiles {
	uint8_t first;
	uint8_t last;
};

/* A text from a case must not be able to make a line or a column of its own. */
static void print_text(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(strchr("\t\n\r", *text) ? '?' : *text, f);
}

static void print_line(FILE *f, const struct a_case *c, uint8_t profile,
		       const char *status, const char *code)
{
	print_text(f, c->id);
	fprintf(f, "\t%s\t", profile_name(profile));
	print_text(f, status);
	fprintf(f, "\t%s\n", code);
}

static int judge_auth(FILE *f, struct a_case *c, uint8_t profile)
{
	struct answer answer;
	struct decision d;
	char status[16];

	c->cfg.profile = profile;
	decide(&d, &c->cfg, &c->req, case_lookup, c);
	if (answer_find(&answer, profile, d.dialect, d.reason))
		return -EDOM;
	snprintf(status, sizeof(status), "%d", answer.status);
	print_line(f, c, profile, status, answer.code);
	return 0;
}

static int judge_client_ip(FILE *f, struct a_case *c, uint8_t profile)
{
	char text[DECIDE_TEXT_SIZE];

	c->cfg.profile = profile;
	client_address(text, &c->cfg, &c->req);
	print_line(f, c, profile, text, "-");
	return 0;
}

static int judge_ip_rule(FILE *f, struct a_case *c, uint8_t profile)
{
	bool allowed =
		client_allowed(profile, c->client, c->whitelist, c->blacklist);

	print_line(f, c, profile, allowed ? "true" : "false", "-");
	return 0;
}

/* The status one event gets, by the only profile that has a limiter. */
static int event_status(struct limiter *l, const struct case_event *e)
{
	enum pc_reason reason = e->reason;
	struct answer answer;
	uint32_t retry_s;

	if (limiter_blocked(l, e->client, e->time_ns, &retry_s))
		reason = PC_R_RATE_LIMITED;
	else if (limiter_counts(reason))
		limiter_record(l, e->client, e->time_ns);
	if (answer_find(&answer, PC_PROFILE_V0_1_179, PC_DIALECT_STD, reason))
		return -EDOM;
	return answer.status;
}

static int judge_abuse(FILE *f, struct a_case *c, uint8_t profile)
{
	struct limiter *l =
		limiter_new(c->threshold, c->window_ns, c->block_ns);
	int status = 0;

	if (!l)
		return -ENOMEM;
	limiter_cap(l, c->capacity);
	print_text(f, c->id);
	fprintf(f, "\t%s\t", profile_name(profile));
	for (size_t i = 0; i < c->n_events && status >= 0; i++) {
		status = event_status(l, &c->events[i]);
		fprintf(f, "%s%d", i ? "," : "", status);
	}
	fprintf(f, "\t-\n");
	limiter_free(l);
	return status < 0 ? status : 0;
}

static int judge_key_format(FILE *f, struct a_case *c, uint8_t profile)
{
	char hex[DIGEST_STRLEN];
	struct pc_digest digest;
	int err = digest_key(&digest, c->text, strlen(c->text));

	if (!err)
		print_line(f, c, profile, digest_print(&digest, hex), "-");
	return err;
}

static int judge_cache_entry(FILE *f, struct a_case *c, uint8_t profile)
{
	char error[SNAPSHOT_ERROR_SIZE];
	const char *decoded = "error";
	struct entry e;
	int err = snapshot_parse_text(&e, c->text, strlen(c->text), error);

	if (err == -ENOMEM)
		return err;
	if (!err) {
		decoded = e.not_found ? "not_found" : "snapshot";
		entry_fini(&e);
	}
	print_line(f, c, profile, decoded, "-");
	return 0;
}

typedef int judge_fn(FILE *f, struct a_case *c, uint8_t profile);

static judge_fn *const judges[] = {
	[CASE_AUTH] = judge_auth,
	[CASE_IP_RULE] = judge_ip_rule,
	[CASE_CLIENT_IP] = judge_client_ip,
	[CASE_ABUSE] = judge_abuse,
	[CASE_KEY_FORMAT] = judge_key_format,
	[CASE_CACHE_ENTRY] = judge_cache_entry,
};

static int judge_case(FILE *f, const struct profiles *profiles,
		      const json_t *json, char error[static CASES_ERROR_SIZE])
{
	struct a_case c;
	int err = case_parse(&c, json, error);

	if (err)
		return err;
	for (uint8_t p = profiles->first; !err && p <= profiles->last; p++)
		err = judges[c.kind](f, &c, p);
	if (err && err != -ENOMEM)
		snprintf(error, CASES_ERROR_SIZE, "cannot be decided");
	case_fini(&c);
	return err;
}

/* Which case it is, and what was wrong with it; the exit status. */
static int complain(const char *file, size_t index, const json_t *json, int err,
		    const char *error)
{
	const char *id = json_string_value(json_object_get(json, "id"));

	if (err == -ENOMEM) {
		fprintf(stderr, "portcullis: judge: %s: out of memory\n", file);
		return 1;
	}
	fprintf(stderr, "portcullis: judge: %s: case %zu (%s): %s\n", file,
		index + 1, id ? id : "no id", error);
	return 2;
}

static int judge_cases(FILE *f, const struct profiles *profiles,
		       const char *file, json_t *cases)
{
	char error[CASES_ERROR_SIZE];
	json_t *json;
	size_t i;

	json_array_foreach(cases, i, json)
	{
		int err = judge_case(f, profiles, json, error);

		if (err)
			return complain(file, i, json, err, error);
	}
	return 0;
}

/* NULL when it is no array of cases, which was said then. */
static json_t *load_cases(const char *file)
{
	json_error_t error;
	json_t *cases = json_load_file(file, JSON_REJECT_DUPLICATES, &error);

	/* jansson quotes what stands near a mistake, which may be a key. */
	if (!cases && error.line >= 0)
		fprintf(stderr, "portcullis: judge: %s: line %d: bad JSON\n",
			file, error.line);
	else if (!cases)
		fprintf(stderr, "portcullis: judge: %s\n", error.text);
	if (!cases || json_is_array(cases))
		return cases;
	fprintf(stderr, "portcullis: judge: %s: not an array of cases\n", file);
	json_decref(cases);
	return NULL;
}

static int judge_file(const struct profiles *profiles, const char *file)
{
	json_t *cases = load_cases(file);
	char *text = NULL;
	size_t size = 0;
	int status = 1;
	FILE *f;

	if (!cases)
		return 2;
	f = open_memstream(&text, &size);
	if (f)
		status = judge_cases(f, profiles, file, cases);
	if ((!f || fclose(f)) && status != 2)
		status = complain(file, 0, NULL, -ENOMEM, NULL);
	if (!status)
		fwrite(text, 1, size, stdout);
	free(text);
	json_decref(cases);
	return status;
}

static int usage(FILE *f)
{
	fprintf(f,
		"usage: portcullis judge [--profile seed|v0.1.179] FILE...\n");
	return f == stdout ? 0 : 2;
}

/* 0, 1: --help was asked for, or -EINVAL: said on stderr. */
static int parse_flags(struct profiles *out, int argc, char **argv)
{
	static const struct option flags[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint8_t profile;
	int flag;

	/* 0 makes glibc forget an earlier call. */
	optind = 0;
	while ((flag = getopt_long(argc, argv, "h", flags, NULL)) != -1) {
		if (flag == 'h')
			return 1;
		if (flag != 'p')
			return -EINVAL;
		if (profile_parse(&profile, optarg)) {
			fprintf(stderr,
				"portcullis: judge: no such profile: '%s'\n",
				optarg);
			return -EINVAL;
		}
		*out = (struct profiles){ profile, profile };
	}
	return optind < argc ? 0 : -EINVAL;
}

int judge_main(int argc, char **argv)
{
	struct profiles profiles = { 0, PC_PROFILE_MAX - 1 };
	int parsed = parse_flags(&profiles, argc, argv);
	int status = 0;

	if (parsed)
		return usage(parsed > 0 ? stdout : stderr);
	for (int i = optind; i < argc; i++) {
		int file_status = judge_file(&profiles, argv[i]);

		if (file_status > status)
			status = file_status;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "portcullis: judge: writing: %s\n",
			strerror(errno));
		return status ? status : 1;
	}
	return status;
}
