// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy's summary as text and as JSON.  Patterns come from tenants, so they
 * are quoted and cut before they reach a terminal or a log.
 */
#include "summary.h"

#include <stdarg.h>
#include <sys/socket.h>

#include "answer.h"

static struct policy_warning *find_warning(struct policy_summary *s,
					   enum warning_kind kind)
{
	for (size_t i = 0; i < s->n_warnings; i++) {
		if (s->warnings[i].kind == kind)
			return &s->warnings[i];
	}
	return NULL;
}

void summary_warn(struct policy_summary *s, enum warning_kind kind,
		  const char *format, ...)
{
	struct policy_warning *w = find_warning(s, kind);
	va_list args;

	if (w) {
		w->count++;
		return;
	}
	w = &s->warnings[s->n_warnings++];
	w->kind = kind;
	w->count = 1;
	va_start(args, format);
	vsnprintf(w->text, sizeof(w->text), format, args);
	va_end(args);
}

const char *summary_quote(char buf[static SUMMARY_QUOTE_SIZE], const char *text)
{
	size_t n = 0;

	buf[n++] = '"';
	for (; *text && n < SUMMARY_QUOTE_SIZE - 3; text++)
		buf[n++] = *text < ' ' || *text > '~' ? '?' : *text;
	buf[n++] = '"';
	buf[n] = '\0';
	return buf;
}

static void warn_waste(struct policy_summary *s, long long key_id,
		       const struct ruleset_waste *waste)
{
	char quote[SUMMARY_QUOTE_SIZE];

	for (size_t i = 0; i < waste->n; i++)
		summary_warn(s, WARNING_PATTERN,
			     "key %lld: pattern %s matches nothing", key_id,
			     summary_quote(quote, waste->first));
}

void summary_warn_rules(struct policy_summary *s, long long key_id,
			const struct ruleset *r,
			const struct ruleset_waste *waste)
{
	warn_waste(s, key_id, waste);
	if (r->has_white && !r->white.n)
		summary_warn(s, WARNING_WHITELIST,
			     "key %lld: no pattern of its whitelist is valid: "
			     "it refuses everyone",
			     key_id);
	for (size_t i = 0; i < r->black.n; i++) {
		if (r->black.items[i].len)
			continue;
		summary_warn(s, WARNING_BLACKLIST,
			     "key %lld: its blacklist refuses every %s address",
			     key_id,
			     r->black.items[i].family == AF_INET ? "IPv4"
								 : "IPv6");
	}
}

/* Every entry that is known is either live or refused. */
static size_t count_refused(const struct policy_summary *s)
{
	size_t n = 0;

	for (int r = 0; r < PC_R_MAX; r++)
		n += s->refused[r];
	return n;
}

void summary_print(FILE *f, const struct policy_summary *s)
{
	fprintf(f, "%-23s %zu (%zu cached as not found)\n", "entries",
		s->n_entries, s->n_not_found);
	fprintf(f, "%-23s %zu\n", "live", s->n_live);
	fprintf(f, "%-23s %zu\n", "refused", count_refused(s));
	for (int r = 0; r < PC_R_MAX; r++) {
		if (s->refused[r])
			fprintf(f, "  %-21s %zu\n", reason_name(r),
				s->refused[r]);
	}
	fprintf(f, "%-23s %zu (%zu prefixes, %zu keys)\n", "rule sets",
		s->n_rule_sets, s->n_rule_prefixes, s->n_with_rules);
	fprintf(f, "%-23s %zu allow, %zu block, %zu proxy\n", "prefixes",
		s->n_prefixes[PC_SET_ALLOW], s->n_blocked,
		s->n_prefixes[PC_SET_PROXY]);
	for (size_t i = 0; i < s->n_warnings; i++) {
		const struct policy_warning *w = &s->warnings[i];

		fprintf(f, "warning: %s", w->text);
		if (w->count > 1)
			fprintf(f, " (and %zu more)", w->count - 1);
		fputc('\n', f);
	}
}

static json_t *refused_json(const struct policy_summary *s)
{
	json_t *all = json_object();

	for (int r = 0; r < PC_R_MAX; r++) {
		if (s->refused[r])
			json_object_set_new(
				all, reason_name(r),
				json_integer((json_int_t)s->refused[r]));
	}
	return all;
}

static json_t *warnings_json(const struct policy_summary *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_warnings; i++)
		json_array_append_new(
			all,
			json_pack("{s:s, s:I}", "text", s->warnings[i].text,
				  "count", (json_int_t)s->warnings[i].count));
	return all;
}

json_t *summary_json(const struct policy_summary *s)
{
	return json_pack(
		"{s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"entries", (json_int_t)s->n_entries, "not_found",
		(json_int_t)s->n_not_found, "live", (json_int_t)s->n_live,
		"refused", refused_json(s), "rule_sets",
		(json_int_t)s->n_rule_sets, "rule_prefixes",
		(json_int_t)s->n_rule_prefixes, "keys_with_rules",
		(json_int_t)s->n_with_rules, "allow_prefixes",
		(json_int_t)s->n_prefixes[PC_SET_ALLOW], "block_prefixes",
		(json_int_t)s->n_blocked, "proxy_prefixes",
		(json_int_t)s->n_prefixes[PC_SET_PROXY], "warnings",
		warnings_json(s));
}
