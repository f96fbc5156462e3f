// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's address by the gateway's three ways: the seed believes anyone's
 * headers, 0.1.179 does too while its switch is on, and gin's chain believes
 * the proxies it is told of.  Texts are kept as each way leaves them, since
 * they appear in the refusal.
 */
#include "client.h"

#include <string.h>

#include "header.h"
#include "span.h"

/* Longer than any sane address or pattern. */
#define ADDRESS_TEXT 256

static void write_span(char out[static DECIDE_TEXT_SIZE], struct span s)
{
	size_t n = s.size < DECIDE_TEXT_SIZE ? s.size : DECIDE_TEXT_SIZE - 1;

	memcpy(out, s.text, n);
	out[n] = '\0';
}

static bool parse_address(struct prefix *out, struct span s)
{
	char text[ADDRESS_TEXT];

	if (s.size >= sizeof(text))
		return false;
	memcpy(text, s.text, s.size);
	text[s.size] = '\0';
	return !prefix_parse_address(out, text);
}

static bool contains(struct span s, char c)
{
	return memchr(s.text, c, s.size) != NULL;
}

/* net.SplitHostPort of text that opens with a bracket. */
static bool split_bracketed(struct span *host, struct span text)
{
	const char *end = memchr(text.text, ']', text.size);
	struct span inside, port;

	if (!end || end + 1 == text.text + text.size || end[1] != ':')
		return false;
	inside = (struct span){ text.text + 1, (size_t)(end - text.text) - 1 };
	port = (struct span){ end + 2, text.size - inside.size - 3 };
	if (contains(inside, '[') || contains(port, '[') ||
	    contains(port, ']') || contains(port, ':'))
		return false;
	*host = inside;
	return true;
}

/* net.SplitHostPort; the port may be empty, and may be anything. */
static bool split_port(struct span *host, struct span text)
{
	const char *colon = memchr(text.text, ':', text.size);

	if (!colon)
		return false;
	if (text.text[0] == '[')
		return split_bracketed(host, text);
	if (contains(text, '[') || contains(text, ']') ||
	    memrchr(text.text, ':', text.size) != colon)
		return false;
	*host = (struct span){ text.text, (size_t)(colon - text.text) };
	return true;
}

/* Without blanks and without a port. */
static struct span normalize(struct span text)
{
	struct span host;

	text = span_trim(text);
	return split_port(&host, text) ? host : text;
}

static bool peer_address(struct prefix *out, const struct decide_request *req)
{
	struct span host;

	return split_port(&host, span_trim(span_of(req->peer))) &&
	       parse_address(out, host);
}

/* The seed's test for "private": a port, or anything odd, makes it public. */
static bool looks_private(struct span text)
{
	struct prefix p;

	return parse_address(&p, text) && prefix_is_private(&p);
}

static struct span seed_forwarded_for(struct span value)
{
	struct span rest = value, part, first = { NULL, 0 };

	while (span_split(&part, &rest)) {
		part = span_trim(part);
		if (!first.text)
			first = part;
		if (part.size && !looks_private(part))
			return normalize(part);
	}
	return normalize(first);
}

static void seed_address(char out[static DECIDE_TEXT_SIZE],
			 const struct decide_request *req)
{
	struct span cf = header_get(req, "CF-Connecting-IP");
	struct span real = header_get(req, "X-Real-IP");
	struct span forwarded = header_get(req, "X-Forwarded-For");
	char text[PREFIX_STRLEN] = "";
	struct prefix peer;

	if (cf.size) {
		write_span(out, normalize(cf));
	} else if (real.size) {
		write_span(out, normalize(real));
	} else if (forwarded.size) {
		write_span(out, seed_forwarded_for(forwarded));
	} else {
		if (peer_address(&peer, req))
			prefix_print_address(&peer, text);
		write_span(out, span_of(text));
	}
}

static bool is_proxy(const struct decide_config *cfg, const struct prefix *p)
{
	for (size_t i = 0; i < cfg->n_proxies; i++) {
		if (prefix_contains(&cfg->proxies[i], p))
			return true;
	}
	return false;
}

/*
 * gin's reading of one header: from the right, past trusted proxies; the
 * leftmost entry is taken even when it is one.  Anything that is no address on
 * the way voids the header.
 */
static bool gin_header(struct span *out, const struct decide_config *cfg,
		       struct span value)
{
	while (value.size) {
		const char *comma = memrchr(value.text, ',', value.size);
		const char *from = comma ? comma + 1 : value.text;
		struct span part = { from,
				     value.size - (size_t)(from - value.text) };
		struct prefix p;

		part = span_trim(part);
		if (!parse_address(&p, part))
			return false;
		if (!comma || !is_proxy(cfg, &p)) {
			*out = part;
			return true;
		}
		value.size = (size_t)(comma - value.text);
	}
	return false;
}

static void gin_address(char out[static DECIDE_TEXT_SIZE],
			const struct decide_config *cfg,
			const struct decide_request *req)
{
	char text[PREFIX_STRLEN] = "";
	struct prefix peer;
	struct span found;

	if (!peer_address(&peer, req)) {
		write_span(out, span_of(""));
		return;
	}
	if (is_proxy(cfg, &peer) &&
	    (gin_header(&found, cfg, header_get(req, "X-Forwarded-For")) ||
	     gin_header(&found, cfg, header_get(req, "X-Real-IP")))) {
		write_span(out, found);
		return;
	}
	prefix_print_address(&peer, text);
	write_span(out, span_of(text));
}

/* The best candidate so far; a public one ends the search. */
struct search {
	struct prefix best;
	bool any;
	bool public;
};

static void offer(struct search *s, struct span text)
{
	struct prefix p;
	bool public;

	if (s->public || !parse_address(&p, text))
		return;
	public = !prefix_is_private(&p);
	if (!public && s->any)
		return;
	s->best = p;
	s->any = true;
	s->public = public;
}

/* Operators' own headers: every line of each, and no ports. */
static void offer_custom(struct search *s, const struct decide_config *cfg,
			 const struct decide_request *req)
{
	for (size_t i = 0; i < cfg->n_client_ip_headers; i++) {
		struct span value, part;
		size_t at = 0;

		while (header_next(&value, req, cfg->client_ip_headers[i],
				   &at)) {
			while (span_split(&part, &value))
				offer(s, span_trim(part));
		}
	}
}

static void offer_known(struct search *s, const struct decide_request *req)
{
	struct span rest = header_get(req, "X-Forwarded-For"), part;

	offer(s, normalize(header_get(req, "CF-Connecting-IP")));
	offer(s, normalize(header_get(req, "X-Real-IP")));
	while (span_split(&part, &rest))
		offer(s, normalize(part));
}

static void forwarded_address(char out[static DECIDE_TEXT_SIZE],
			      const struct decide_config *cfg,
			      const struct decide_request *req)
{
	struct search s = { .any = false };
	char text[PREFIX_STRLEN];

	offer_custom(&s, cfg, req);
	offer_known(&s, req);
	if (s.any)
		write_span(out, span_of(prefix_print_address(&s.best, text)));
	else
		gin_address(out, cfg, req);
}

void client_address(char out[static DECIDE_TEXT_SIZE],
		    const struct decide_config *cfg,
		    const struct decide_request *req)
{
	if (cfg->profile == PC_PROFILE_SEED)
		seed_address(out, req);
	else if (cfg->trust_forwarded)
		forwarded_address(out, cfg, req);
	else
		gin_address(out, cfg, req);
}

/* The field's only line: of two, one may be the client's. */
static bool only_line(struct span *out, const struct decide_request *req,
		      const char *name)
{
	struct span more;
	size_t at = 0;

	return header_next(out, req, name, &at) &&
	       !header_next(&more, req, name, &at);
}

bool client_vouched(struct prefix *out, const struct decide_config *cfg,
		    const struct decide_request *req)
{
	struct span value, found;
	struct prefix who;

	if (!peer_address(&who, req))
		return false;
	/* A proxy behind a proxy says in turn who its client is. */
	if (is_proxy(cfg, &who) &&
	    (!only_line(&value, req, "X-Forwarded-For") ||
	     !gin_header(&found, cfg, value) || !parse_address(&who, found) ||
	     is_proxy(cfg, &who)))
		return false;
	*out = who;
	return true;
}

/* Only later versions trim patterns before they parse them. */
static bool listed(uint8_t profile, const struct prefix *client,
		   char *const *patterns)
{
	for (; patterns && *patterns; patterns++) {
		struct span s = span_of(*patterns);
		char text[ADDRESS_TEXT];
		struct prefix p;

		if (profile != PC_PROFILE_SEED)
			s = span_trim(s);
		if (s.size >= sizeof(text))
			continue;
		memcpy(text, s.text, s.size);
		text[s.size] = '\0';
		if (!prefix_parse_pattern(&p, text) &&
		    prefix_contains(&p, client))
			return true;
	}
	return false;
}

bool client_allowed(uint8_t profile, const char *client, char *const *whitelist,
		    char *const *blacklist)
{
	bool white = whitelist && *whitelist, black = blacklist && *blacklist;
	struct span text = normalize(span_of(client));
	struct prefix p;

	if (!white && !black)
		return true;
	if (!text.size)
		return false;
	/* No pattern matches what cannot be parsed; the seed leaves it there.
	 */
	if (!parse_address(&p, text))
		return profile == PC_PROFILE_SEED && !white;
	if (listed(profile, &p, blacklist))
		return false;
	return !white || listed(profile, &p, whitelist);
}
