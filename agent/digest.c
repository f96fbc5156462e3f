// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 by libcrypto.  Fetching the algorithm and making a context cost far
 * more than hashing the 70 bytes of a key, so each thread makes both once.
 */
#include "digest.h"
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/evp.h>

static _Thread_local EVP_MD *sha256;
static _Thread_local EVP_MD_CTX *context;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ending;
static bool ends;

static void digest_fini(void *unused)
{
	(void)unused;
	EVP_MD_CTX_free(context);
	EVP_MD_free(sha256);
	context = NULL;
	sha256 = NULL;
}

static void make_key(void)
{
	ends = !pthread_key_create(&ending, digest_fini);
}

static int digest_init(void)
{
	if (context)
		return 0;
	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		return -ENOMEM;
	context = EVP_MD_CTX_new();
	if (!context)
		return -ENOMEM;
	/* Any value but NULL has digest_fini() called at the thread's end. */
	pthread_once(&once, make_key);
	if (ends)
		pthread_setspecific(ending, context);
	return 0;
}

int digest_key(struct pc_digest *out, const void *key, size_t size)
{
	struct pc_digest d;
	int err = digest_init();

	if (err)
		return err;
	if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
	    EVP_DigestUpdate(context, key, size) != 1 ||
	    EVP_DigestFinal_ex(context, d.bytes, NULL) != 1)
		return -EIO;
	*out = d;
	return 0;
}

const char *digest_print(const struct pc_digest *d,
			 char buf[static DIGEST_STRLEN])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < PC_DIGEST_SIZE; i++) {
		buf[2 * i] = hex[d->bytes[i] >> 4];
		buf[2 * i + 1] = hex[d->bytes[i] & 15];
	}
	buf[2 * PC_DIGEST_SIZE] = '\0';
	return buf;
}

int digest_parse(struct pc_digest *out, const char *text, size_t size)
{
	struct pc_digest d;

	if (size != 2 * PC_DIGEST_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < PC_DIGEST_SIZE; i++) {
		int high = text_hex_digit(text[2 * i]);
		int low = text_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		d.bytes[i] = (__u8)(high << 4 | low);
	}
	*out = d;
	return 0;
}
