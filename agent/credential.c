// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which bytes are the key.  The two profiles and the two middlewares agree on
 * little: precedence, case of the scheme, trimming and limits all differ, so
 * each has its own short function here.
 */
#include "credential.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "query.h"
#include "span.h"

/* 0.1.179's limits, in bytes of the value as received. */
#define KEY_MAX 128
#define AUTHORIZATION_MAX 256

/* What follows "Bearer " at the very start; not trimmed. */
static struct span bearer(struct span value, bool any_case)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;
	struct span none = { "", 0 };

	if (value.size < n)
		return none;
	if (any_case ? strncasecmp(value.text, scheme, n)
		     : strncmp(value.text, scheme, n))
		return none;
	return (struct span){ value.text + n, value.size - n };
}

static struct span first(const struct span *choice, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (choice[i].size)
			return choice[i];
	}
	return (struct span){ "", 0 };
}

static struct span find_main(const struct decide_config *cfg,
			     const struct decide_request *req)
{
	bool seed = cfg->profile == PC_PROFILE_SEED;
	struct span token = bearer(header_get(req, "Authorization"), !seed);
	const struct span choice[] = {
		seed ? token : span_trim(token),
		header_get(req, "x-api-key"),
		header_get(req, "x-goog-api-key"),
	};

	return first(choice, 3);
}

static struct span find_google(const struct decide_config *cfg,
			       const struct decide_request *req,
			       struct span query_key)
{
	struct span authorization = header_get(req, "Authorization");
	struct span api_key = span_trim(header_get(req, "x-api-key"));
	struct span goog = span_trim(header_get(req, "x-goog-api-key"));
	const struct span seed[] = {
		span_trim(bearer(authorization, false)),
		api_key,
		goog,
		query_key,
	};
	const struct span later[] = {
		goog,
		span_trim(bearer(span_trim(authorization), true)),
		api_key,
		query_key,
	};

	return first(cfg->profile == PC_PROFILE_SEED ? seed : later, 4);
}

static void forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* Does the query carry a value for the name that is more than blanks? */
static int query_has(bool *out, const char *query, const char *name)
{
	char *value;
	int err = query_find(&value, query, name);

	if (err)
		return err;
	*out = value && span_trim(span_of(value)).size;
	forget(value);
	return 0;
}

/* The middlewares' own check that no key is in the query. */
static int query_refused(bool *out, const struct decide_request *req)
{
	bool key = false, api_key = false;
	int err = query_has(&api_key, req->query, "api_key");

	/* Google's clients do put their key into ?key=. */
	if (!err && req->variant == PC_VARIANT_MAIN)
		err = query_has(&key, req->query, "key");
	if (!err)
		*out = key || api_key;
	return err;
}

/* The gateway reads ?key= below these prefixes, with no slash after them. */
static int query_key_allowed(bool *out, const char *path)
{
	static const char *const prefixes[] = { "/v1beta",
						"/antigravity/v1beta" };
	char *decoded;
	int err = query_decode_path(&decoded, path);

	*out = false;
	if (err)
		return err == -EINVAL ? 0 : err;
	for (size_t i = 0; i < 2; i++) {
		if (!strncmp(decoded, prefixes[i], strlen(prefixes[i])))
			*out = true;
	}
	free(decoded);
	return 0;
}

/* *out is a new string or NULL, and NULL where ?key= is not read. */
static int query_key_find(char **out, const struct decide_request *req)
{
	bool allowed;
	int err;

	*out = NULL;
	if (req->variant != PC_VARIANT_GOOGLE)
		return 0;
	err = query_key_allowed(&allowed, req->path);
	return err || !allowed ? err : query_find(out, req->query, "key");
}

/* 0.1.179 measures all three headers, whichever will be used. */
static bool headers_too_large(const struct decide_request *req)
{
	return header_get(req, "Authorization").size > AUTHORIZATION_MAX ||
	       header_get(req, "x-api-key").size > KEY_MAX ||
	       header_get(req, "x-goog-api-key").size > KEY_MAX;
}

static int credential_take(struct credential *out,
			   const struct decide_config *cfg, struct span found)
{
	*out = (struct credential){ .reason = PC_NEXT };
	if (!found.size) {
		out->reason = PC_R_CREDENTIAL_MISSING;
		return 0;
	}
	if (cfg->profile != PC_PROFILE_SEED && found.size > KEY_MAX) {
		out->reason = PC_R_KEY_INVALID;
		return 0;
	}
	out->key = strndup(found.text, found.size);
	if (!out->key)
		return -ENOMEM;
	out->size = found.size;
	return 0;
}

int credential_find(struct credential *out, const struct decide_config *cfg,
		    const struct decide_request *req)
{
	struct span in_query = { "", 0 };
	bool refused = false;
	char *query_key;
	int err;

	if (cfg->profile != PC_PROFILE_SEED && headers_too_large(req)) {
		*out = (struct credential){ .reason = PC_R_KEY_INVALID };
		return 0;
	}
	err = query_refused(&refused, req);
	if (err)
		return err;
	if (refused) {
		*out = (struct credential){ .reason = PC_R_QUERY_KEY };
		return 0;
	}
	err = query_key_find(&query_key, req);
	if (err)
		return err;
	if (query_key)
		in_query = span_trim(span_of(query_key));
	err = credential_take(out, cfg,
			      req->variant == PC_VARIANT_GOOGLE
				      ? find_google(cfg, req, in_query)
				      : find_main(cfg, req));
	forget(query_key);
	return err;
}

void credential_fini(struct credential *c)
{
	if (c->key)
		explicit_bzero(c->key, c->size);
	free(c->key);
	*c = (struct credential){ .reason = PC_NEXT };
}
