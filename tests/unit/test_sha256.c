// SPDX-License-Identifier: GPL-2.0-only
/* SHA-256 against the vectors of FIPS 180-4 and against libcrypto. */
#include "sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "digest.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* NIST, "SHA-256 example" and CAVP short messages. */
static const struct {
	const char *message;
	const char *digest;
} rows[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "cf5b16a778af8380036ce59e7b049237"
	  "0b249b11e8f07a51afac45037afee9d1" },
};

static void sha256(struct pc_digest *out, const void *bytes, size_t n)
{
	static struct pc_sha256 s;

	memset(&s, 0xa5, sizeof(s)); /* whatever was there before */
	pc_sha256_init(&s);
	if (n)
		memcpy(s.message, bytes, n);
	pc_sha256_final(out, &s, (__u32)n);
}

static void vectors_of_fips_180_4(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char hex[DIGEST_STRLEN];
		struct pc_digest d;

		sha256(&d, rows[i].message, strlen(rows[i].message));
		assert_string_equal(digest_print(&d, hex), rows[i].digest);
	}
}

static void every_length_agrees_with_libcrypto(void **state)
{
	uint8_t bytes[PC_SHA256_MAX];

	(void)state;
	srand(1);
	for (size_t n = 0; n <= PC_SHA256_MAX; n++) {
		for (int i = 0; i < 20; i++) {
			struct pc_digest got, want;

			for (size_t k = 0; k < n; k++)
				bytes[k] = (uint8_t)rand();
			sha256(&got, bytes, n);
			assert_int_equal(digest_key(&want, bytes, n), 0);
			assert_memory_equal(&got, &want, sizeof(got));
		}
	}
}

static void a_longer_message_is_not_digested(void **state)
{
	static struct pc_sha256 s;
	struct pc_digest d = { { 1, 2, 3 } }, before = d;

	(void)state;
	pc_sha256_init(&s);
	pc_sha256_final(&d, &s, PC_SHA256_MAX + 1);
	assert_memory_equal(&d, &before, sizeof(d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_fips_180_4),
		cmocka_unit_test(every_length_agrees_with_libcrypto),
		cmocka_unit_test(a_longer_message_is_not_digested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
