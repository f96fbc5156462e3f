// SPDX-License-Identifier: GPL-2.0-only
#include "digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define HEX_EMPTY \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX_ABC \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/* FIPS 180-4's example of two blocks. */
#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define HEX_TWO_BLOCKS \
	"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"

static const struct {
	const char *key;
	const char *hex;
} known[] = {
	{ "", HEX_EMPTY },
	{ "abc", HEX_ABC },
	{ TWO_BLOCKS, HEX_TWO_BLOCKS },
	{ "abc", HEX_ABC }, /* again: nothing is left over in the context */
};

static void keys_hash_as_published(void **state)
{
	char buf[DIGEST_STRLEN];
	struct pc_digest d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_int_equal(
			digest_key(&d, known[i].key, strlen(known[i].key)), 0);
		assert_string_equal(digest_print(&d, buf), known[i].hex);
	}
}

static pthread_barrier_t start;

/* The number of wrong digests. */
static void *hash_many(void *arg)
{
	size_t *n_wrong = arg;
	char buf[DIGEST_STRLEN];
	struct pc_digest d;

	pthread_barrier_wait(&start);
	for (size_t i = 0; i < 100000; i++) {
		const char *key = known[i % ARRAY_SIZE(known)].key;
		const char *hex = known[i % ARRAY_SIZE(known)].hex;

		*n_wrong += digest_key(&d, key, strlen(key)) ||
			    strcmp(digest_print(&d, buf), hex);
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	size_t n_wrong[4] = { 0 };
	pthread_t threads[4];

	(void)state;
	pthread_barrier_init(&start, NULL, ARRAY_SIZE(threads));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_many,
						&n_wrong[i]),
				 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(n_wrong[i], 0);
	}
	pthread_barrier_destroy(&start);
}

static void hex_goes_both_ways(void **state)
{
	char upper[] = HEX_ABC, buf[DIGEST_STRLEN];
	struct pc_digest d;

	(void)state;
	assert_int_equal(digest_parse(&d, HEX_ABC, 64), 0);
	assert_string_equal(digest_print(&d, buf), HEX_ABC);
	for (char *c = upper; *c; c++)
		*c -= *c >= 'a' ? 'a' - 'A' : 0;
	assert_int_equal(digest_parse(&d, upper, 64), 0);
	assert_string_equal(digest_print(&d, buf), HEX_ABC);
}

static void bad_hex_is_refused_and_changes_nothing(void **state)
{
	static const char bad[] = "g";
	char text[] = HEX_ABC;
	struct pc_digest d = { { 7 } };

	(void)state;
	assert_int_equal(digest_parse(&d, HEX_ABC, 63), -EINVAL);
	assert_int_equal(digest_parse(&d, HEX_ABC "0", 65), -EINVAL);
	assert_int_equal(digest_parse(&d, "", 0), -EINVAL);
	for (size_t i = 0; i < 64; i++) {
		char was = text[i];

		text[i] = bad[0];
		assert_int_equal(digest_parse(&d, text, 64), -EINVAL);
		text[i] = was;
	}
	assert_int_equal(d.bytes[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_hash_as_published),
		cmocka_unit_test(threads_do_not_disturb_each_other),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(bad_hex_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
