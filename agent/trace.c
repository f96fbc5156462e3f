// SPDX-License-Identifier: GPL-2.0-only
/* Denials in a ring, and the ids that decisions go by. */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "text.h"

/* So many digits of a number fit an id. */
#define NUMBER_MASK ((uint64_t)0xffffffffffffff)

static const struct ring_kind kind = { "pctrace1", sizeof(struct trace_record),
				       TRACE_RECORDS };

struct trace {
	struct ring *ring;
};

static int open_with(struct trace **out, const char *path,
		     int (*open_ring)(struct ring **out, const char *path,
				      const struct ring_kind *kind))
{
	struct trace *t = calloc(1, sizeof(*t));
	int err = t ? open_ring(&t->ring, path, &kind) : -ENOMEM;

	if (err)
		free(t);
	else
		*out = t;
	return err;
}

int trace_create(struct trace **out, const char *path)
{
	return open_with(out, path, ring_create);
}

int trace_open(struct trace **out, const char *path)
{
	return open_with(out, path, ring_open);
}

void trace_close(struct trace *t)
{
	if (t)
		ring_close(t->ring);
	free(t);
}

uint64_t trace_number(struct trace *t)
{
	return ring_number(t->ring);
}

void trace_write(struct trace *t, const struct trace_record *r)
{
	ring_write(t->ring, r);
}

bool trace_read(struct trace_record *out, uint64_t *lost, struct trace *t,
		uint64_t *position)
{
	if (!ring_read(out, lost, t->ring, position))
		return false;
	out->client[TRACE_CLIENT_SIZE - 1] = '\0';
	text_to_ascii(out->client);
	return true;
}

const char *trace_print_id(const struct trace *t, uint64_t number,
			   char buf[static TRACE_ID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint32_t random = ring_random(t->ring);
	char *to = buf;
	int digits = 8;

	number &= NUMBER_MASK;
	while (number >> 4 * digits)
		digits++;
	/* Every decision has one, and printf takes ten times as long. */
	for (int i = 7; i >= 0; i--)
		*to++ = hex[random >> 4 * i & 15];
	*to++ = '-';
	while (digits--)
		*to++ = hex[number >> 4 * digits & 15];
	*to = '\0';
	return buf;
}

static int parse_hex(uint64_t *out, const char *text, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		int digit = text_hex_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return 0;
}

int trace_parse_id(const struct trace *t, uint64_t *out, const char *text)
{
	size_t size = strlen(text);
	uint64_t random, number;

	if (size < 17 || size >= TRACE_ID_SIZE || text[8] != '-')
		return -EINVAL;
	if (parse_hex(&random, text, 8) ||
	    parse_hex(&number, text + 9, size - 9))
		return -EINVAL;
	if (random != ring_random(t->ring))
		return -ENOENT;
	*out = number;
	return 0;
}
