// SPDX-License-Identifier: GPL-2.0-only
/*
 * The digest memo: what it holds is believed, it holds no key, another load
 * cannot read it.  And what a run leaves behind anywhere: nothing of a request.
 */
#include "expect.h"

#include "memo.h"
#include "request.h"

static enum pc_reason judge(const char *text)
{
	struct client c = client_open(CLIENT);

	return client_say(&c, text)->reason;
}

static struct memo_value *used_value(int memo, uint32_t *at)
{
	struct memo_value *v = memo_values();

	*at = memo_find(memo);
	assert_int_not_equal(*at, MEMO_NOWHERE);
	assert_int_equal(bpf_map_lookup_elem(memo, at, v), 0);
	for (; !v->tag[0] && !v->tag[1]; v++)
		;
	return v;
}

static void digests_are_remembered(void **state)
{
	int memo = memo_open(harness.request);
	struct memo_value *v;
	struct pc_digest live, dead;
	uint32_t at;

	(void)state;
	assert_int_equal(digest_key(&live, LIVE, strlen(LIVE)), 0);
	assert_int_equal(digest_key(&dead, DISABLED, strlen(DISABLED)), 0);
	memo_clear(memo);
	assert_int_equal(judge(MESSAGES(LIVE)), PC_R_KEY_LIVE);
	v = used_value(memo, &at);
	assert_memory_equal(v->digest, &live, sizeof(live));
	/* Another key's digest in its place is believed: it was a hit. */
	memcpy(v->digest, &dead, sizeof(dead));
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		memo_values()[cpu] = *v;
	assert_int_equal(bpf_map_update_elem(memo, &at, memo_values(), 0), 0);
	assert_int_equal(judge(MESSAGES(LIVE)), PC_R_KEY_DISABLED);
	/* Another hash in the same place is not, and is overwritten. */
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		memo_values()[cpu].tag[1] ^= 1;
	assert_int_equal(bpf_map_update_elem(memo, &at, memo_values(), 0), 0);
	assert_int_equal(judge(MESSAGES(LIVE)), PC_R_KEY_LIVE);
	close(memo);
}

/* A key's beginning, middle or end anywhere in a map's values. */
static bool holds(const char *name, const char *key)
{
	size_t n = strlen(key), cpus = (size_t)libbpf_num_possible_cpus(), size;
	struct bpf_map_info info;
	int map = map_open(harness.request, name, &info);
	bool found = false;
	uint8_t *value;

	size = cpus * ((info.value_size + 7) & ~7u);
	value = malloc(size);
	assert_non_null(value);
	for (uint32_t at = 0; !bpf_map_lookup_elem(map, &at, value); at++) {
		for (size_t i = 0; i + 12 <= n; i += 8)
			found |= !!memmem(value, size, key + i, 12);
	}
	free(value);
	close(map);
	return found;
}

static void assert_reason_is(enum pc_reason got, enum pc_reason want,
			     size_t filler)
{
	if (got != want)
		fail_msg("%zu bytes of filler: %s", filler, reason_name(got));
}

static void nothing_of_a_request_stays(void **state)
{
	static const size_t sizes[] = { 1, 100, 900, 1000, 1024, 1500, 2500 };
	static char head[9000], filler[8000];

	(void)state;
	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(head, sizeof(head),
			 HEAD("POST /v1/messages",
			      "X-Filler: %.*s\r\n" BEARER(
				      LIVE) "Content-Length: 5000\r\n") LIVE,
			 (int)sizes[i], filler);
		assert_reason_is(judge(head), PC_R_KEY_LIVE, sizes[i]);
		assert_false(holds("pc_scratch", LIVE));
		assert_false(holds("pc_memo", LIVE));
	}
	assert_int_equal(judge(BEARER(LIVE)), PC_R_NOT_HTTP);
	assert_false(holds("pc_scratch", LIVE));
	assert_int_equal(judge("POST /v1/x HTTP/1.1\r\n" BEARER(LIVE)),
			 PC_R_HEAD_SPLIT);
	assert_false(holds("pc_scratch", LIVE));
}

static void every_load_has_a_secret_of_its_own(void **state)
{
	int memo = memo_open(harness.request), other, first = harness.request;
	struct memo_value before, after;
	struct loader *again;
	uint32_t at;

	(void)state;
	memo_clear(memo);
	assert_int_equal(judge(MESSAGES(LIVE)), PC_R_KEY_LIVE);
	before = *used_value(memo, &at);
	assert_int_equal(loader_load(&again, harness.dir), 0);
	harness.request = loader_request_fd(again);
	other = memo_open(harness.request);
	assert_int_equal(memo_find(other), MEMO_NOWHERE);
	assert_int_equal(judge(MESSAGES(LIVE)), PC_R_KEY_LIVE);
	after = *used_value(other, &at);
	assert_memory_equal(before.digest, after.digest, 32);
	assert_memory_not_equal(before.tag, after.tag, sizeof(after.tag));
	harness.request = first;
	loader_free(again);
	close(other);
	close(memo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_remembered),
		cmocka_unit_test(nothing_of_a_request_stays),
		cmocka_unit_test(every_load_has_a_secret_of_its_own),
	};

	if (harness_open())
		return HARNESS_SKIP;
	request_use_default();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
