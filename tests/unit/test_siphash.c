// SPDX-License-Identifier: GPL-2.0-only
/*
 * SipHash of 128 bits against vectors of its reference implementation and
 * against libcrypto.
 */
#include "siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t key[16] = { 0, 1, 2,  3,  4,  5,  6,  7,
				 8, 9, 10, 11, 12, 13, 14, 15 };

/* vectors_sip128: the message of n bytes is 0, 1, ... n - 1. */
static const struct {
	size_t n;
	uint8_t hash[16];
} rows[] = {
	{ 0,
	  { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72,
	    0x14, 0xc7, 0x55, 0x02, 0x93 } },
	{ 1,
	  { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59,
	    0x11, 0x9b, 0x22, 0xfc, 0x45 } },
	{ 2,
	  { 0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b,
	    0xde, 0xf6, 0x0a, 0xff, 0xe4 } },
	{ 3,
	  { 0x9c, 0x70, 0xb6, 0x0c, 0x52, 0x67, 0xa9, 0x4e, 0x5f, 0x33, 0xb6,
	    0xb0, 0x29, 0x85, 0xed, 0x51 } },
};

static const struct variant {
	struct pc_sip (*hash)(const struct pc_sip *secret, const __u8 *p,
			      __u32 size);
	unsigned int word; /* rounds */
	unsigned int end;
} variants[] = { { pc_siphash, 2, 4 }, { pc_siphash_unseen, 1, 3 } };

/* Whatever lies behind the message must not matter. */
static void siphash(const struct variant *v, uint8_t out[16],
		    const uint8_t k[16], const void *bytes, size_t n)
{
	uint8_t room[PC_SIPHASH_LOOK];
	struct pc_sip secret, hash;

	memset(room, rand(), sizeof(room));
	memcpy(room, bytes, n);
	memcpy(&secret, k, sizeof(secret));
	hash = v->hash(&secret, room, (__u32)n);
	memcpy(out, &hash, sizeof(hash));
}

static void vectors_of_the_reference(void **state)
{
	uint8_t message[64], out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		siphash(&variants[0], out, key, message, rows[i].n);
		assert_memory_equal(out, rows[i].hash, sizeof(out));
	}
}

static void set_rounds(EVP_MAC_CTX *ctx, const struct variant *v)
{
	unsigned int word = v->word, end = v->end;
	size_t size = 16;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &word),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &end),
		OSSL_PARAM_construct_end(),
	};

	assert_true(EVP_MAC_CTX_set_params(ctx, params));
}

static void libcrypto(EVP_MAC_CTX *ctx, uint8_t out[16], const uint8_t k[16],
		      const void *bytes, size_t n)
{
	size_t size;

	assert_true(EVP_MAC_init(ctx, k, 16, NULL));
	assert_true(EVP_MAC_update(ctx, bytes, n));
	assert_true(EVP_MAC_final(ctx, out, &size, 16));
	assert_int_equal(size, 16);
}

static void check_lengths(const struct variant *v, EVP_MAC_CTX *ctx)
{
	uint8_t bytes[PC_SIPHASH_MAX], k[16], ours[16], theirs[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(rand() >> 8);
	for (size_t i = 0; i < sizeof(k); i++)
		k[i] = (uint8_t)(rand() >> 8);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		siphash(v, ours, k, bytes, n);
		libcrypto(ctx, theirs, k, bytes, n);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
}

static void every_length_agrees_with_libcrypto(void **state)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

	(void)state;
	srand(1);
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

		assert_non_null(ctx);
		set_rounds(ctx, &variants[i]);
		for (size_t round = 0; round < 20; round++)
			check_lengths(&variants[i], ctx);
		EVP_MAC_CTX_free(ctx);
	}
	EVP_MAC_free(mac);
}

/* A tail of zeros is not the same message. */
static void the_length_is_hashed(void **state)
{
	uint8_t zeros[PC_SIPHASH_MAX] = { 0 }, a[16], b[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		for (size_t n = 1; n <= sizeof(zeros); n++) {
			siphash(&variants[i], a, key, zeros, n);
			siphash(&variants[i], b, key, zeros, n - 1);
			assert_memory_not_equal(a, b, sizeof(a));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_reference),
		cmocka_unit_test(every_length_agrees_with_libcrypto),
		cmocka_unit_test(the_length_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
