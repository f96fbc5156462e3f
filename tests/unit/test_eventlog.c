// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event log: what is written is read, and how it looks.  The ring below it
 * is test_trace's.
 */
#include "eventlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOON INT64_C(1770120000000000000)

static char dir[] = "/tmp/pc_eventlog.XXXXXX";
static char path[64];

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };

	if (text)
		assert_int_equal(prefix_parse_pattern(&p, text), 0);
	return p;
}

static const struct {
	const char *what;
	struct eventlog_record r;
	const char *source;
	const char *target;
	const char *line;
	const char *json;
} rows[] = {
	{ "a drop",
	  { .kind = EVENTLOG_DROP,
	    .reason = PC_R_BLOCK_LIST,
	    .size = 60,
	    .sport = 40000,
	    .dport = 8080,
	    .l4_proto = IPPROTO_TCP,
	    .interface = "eth0",
	    .text = "/etc/drop.txt" },
	  "203.0.113.9",
	  "192.0.2.1",
	  "2026-02-03T12:00:00Z           eth0       drop       block-list     "
	  "203.0.113.9:40000 > 192.0.2.1:8080 tcp 60 bytes in /etc/drop.txt",
	  "{\"time\":\"2026-02-03T12:00:00Z\",\"verdict\":\"drop\","
	  "\"reason\":\"block-list\",\"source\":\"203.0.113.9\","
	  "\"interface\":\"eth0\",\"sport\":40000,\"target\":\"192.0.2.1\","
	  "\"dport\":8080,\"protocol\":\"tcp\",\"size\":60,"
	  "\"list\":\"/etc/drop.txt\"}" },
	{ "would be a drop, IPv6, no ports, a hostile name",
	  { .kind = EVENTLOG_DROP,
	    .reason = PC_R_BANNED,
	    .size = 90,
	    .would = 1,
	    .l4_proto = 58,
	    .interface = "e\x1b[0m",
	    .text = "a\"\n<b>" },
	  "2001:db8::9",
	  "2001:db8::1",
	  "2026-02-03T12:00:00Z           e?[0m      would-drop banned         "
	  "2001:db8::9 > 2001:db8::1 ip-58 90 bytes in a\"?<b>",
	  "{\"time\":\"2026-02-03T12:00:00Z\",\"verdict\":\"would-drop\","
	  "\"reason\":\"banned\",\"source\":\"2001:db8::9\","
	  "\"interface\":\"e?[0m\",\"sport\":0,\"target\":\"2001:db8::1\","
	  "\"dport\":0,\"protocol\":\"ip-58\",\"size\":90,"
	  "\"list\":\"a\\\"?\\u003cb\\u003e\"}" },
	{ "IPv6 with ports",
	  { .kind = EVENTLOG_DROP,
	    .reason = PC_R_BANNED,
	    .size = 90,
	    .sport = 1,
	    .dport = 65535,
	    .l4_proto = IPPROTO_UDP,
	    .interface = "eth0" },
	  "2001:db8::9",
	  "2001:db8::1",
	  "2026-02-03T12:00:00Z           eth0       drop       banned         "
	  "[2001:db8::9]:1 > [2001:db8::1]:65535 udp 90 bytes",
	  NULL },
	{ "a ban",
	  { .kind = EVENTLOG_BAN,
	    .reason = PC_R_KEY_DISABLED,
	    .count = 20,
	    .until_ns = NOON + INT64_C(3600000000000),
	    .text = "why" },
	  "2001:db8:1:2::/64",
	  NULL,
	  "2026-02-03T12:00:00Z           -          ban        key-disabled   "
	  "2001:db8:1:2::/64 after 20 requests until 2026-02-03T13:00:00Z: why",
	  "{\"time\":\"2026-02-03T12:00:00Z\",\"verdict\":\"ban\","
	  "\"reason\":\"key-disabled\",\"source\":\"2001:db8:1:2::/64\","
	  "\"interface\":\"\",\"count\":20,"
	  "\"until\":\"2026-02-03T13:00:00Z\",\"text\":\"why\"}" },
	{ "one spared",
	  { .kind = EVENTLOG_SPARED,
	    .reason = PC_R_KEY_DISABLED,
	    .count = 20,
	    .text = "is allowed" },
	  "203.0.113.9",
	  NULL,
	  "2026-02-03T12:00:00Z           -          spared     key-disabled   "
	  "203.0.113.9 after 20 requests: is allowed",
	  NULL },
	{ "what no agent writes",
	  { .kind = 9, .reason = 255 },
	  NULL,
	  NULL,
	  "2026-02-03T12:00:00Z           -          ?          ?              "
	  " after 0 requests",
	  NULL },
};

static struct eventlog_record row(size_t i)
{
	struct eventlog_record r = rows[i].r;

	r.time_ns = NOON;
	r.source = prefix_of(rows[i].source);
	r.target = prefix_of(rows[i].target);
	return r;
}

static void what_is_written_is_read(void **state)
{
	struct eventlog *w = NULL, *r = NULL;
	char line[EVENTLOG_LINE_SIZE];
	uint64_t position = 0, lost;
	struct eventlog_record got;
	struct stat st;

	(void)state;
	assert_int_equal(eventlog_create(&w, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(eventlog_create(&r, path), -EBUSY);
	assert_int_equal(eventlog_open(&r, path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct eventlog_record one = row(i);

		eventlog_write(w, &one);
	}
	/* The writer's death changes nothing. */
	eventlog_close(w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *json;

		assert_true(eventlog_read(&got, &lost, r, &position));
		assert_int_equal(lost, 0);
		assert_string_equal(eventlog_print(&got, line), rows[i].line);
		eventlog_print_json(&got, line);
		if (rows[i].json)
			assert_string_equal(line, rows[i].json);
		json = json_loads(line, 0, NULL);
		assert_non_null(json);
		json_decref(json);
	}
	assert_false(eventlog_read(&got, &lost, r, &position));
	eventlog_close(r);
}

/* As long as can be: still JSON. */
static void the_longest_texts_fit(void **state)
{
	struct eventlog_record r = row(0);
	char line[EVENTLOG_LINE_SIZE];
	json_t *json;

	(void)state;
	memset(r.text, '<', sizeof(r.text) - 1);
	memset(r.interface, '&', sizeof(r.interface) - 1);
	eventlog_print_json(&r, line);
	json = json_loads(line, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_string_length(json_object_get(json, "list")),
			 sizeof(r.text) - 1);
	json_decref(json);
}

static void hostile_bytes_are_survived(void **state)
{
	char line[EVENTLOG_LINE_SIZE];
	uint64_t position = 0, lost;
	struct eventlog *w = NULL;
	struct eventlog_record r;

	(void)state;
	assert_int_equal(eventlog_create(&w, path), 0);
	memset(&r, 0xff, sizeof(r));
	eventlog_write(w, &r);
	while (eventlog_read(&r, &lost, w, &position)) {
		eventlog_print(&r, line);
		eventlog_print_json(&r, line);
	}
	assert_int_equal(r.source.family, 0);
	assert_int_equal(r.text[sizeof(r.text) - 1], 0);
	eventlog_close(w);
}

static void other_rings_are_not_taken(void **state)
{
	struct eventlog *l = NULL;
	struct trace *t = NULL;

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(eventlog_open(&l, path), -ENOENT);
	assert_int_equal(trace_create(&t, path), 0);
	trace_close(t);
	assert_int_equal(eventlog_open(&l, path), -EPROTO);
	assert_int_equal(eventlog_create(&l, path), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(hostile_bytes_are_survived),
		cmocka_unit_test(other_rings_are_not_taken),
	};
	int failed;

	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/events", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return failed;
}
