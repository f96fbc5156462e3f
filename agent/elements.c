// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splits, and does not parse: jansson gets each element whole.  One JSON object
 * with a million members may be a single line, so its members are found by
 * counting braces on the fly, and everything is bounded by SNAPSHOT_LINE_MAX.
 */
#include "elements.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "stream.h"
#include "wipe.h"

#define HASH_DIGITS (2 * PC_DIGEST_SIZE)

enum form {
	FORM_UNKNOWN, /* nothing read yet */
	FORM_LINES,
	FORM_OBJECT,	  /* before its first member */
	FORM_OBJECT_NEXT, /* after a member */
	FORM_END,
};

struct elements {
	struct stream *stream;
	enum form form;
	size_t line; /* of the next byte */
	int err;     /* of the stream, sticky */
	bool any;    /* an element was handed out */
	char name[HASH_DIGITS + 1];
	char *text; /* SNAPSHOT_LINE_MAX bytes */
	size_t size;
	size_t at, n; /* block[at..n) is not read yet */
	char block[1 << 16];
};

int elements_open(struct elements **out, const char *path)
{
	struct elements *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->line = 1;
	e->text = malloc(SNAPSHOT_LINE_MAX);
	err = e->text ? stream_open(&e->stream, path) : -ENOMEM;
	if (err)
		elements_close(e);
	else
		*out = e;
	return err;
}

void elements_close(struct elements *e)
{
	if (!e)
		return;
	stream_close(e->stream);
	wipe_free(e->text);
	wipe_free(e);
}

int64_t elements_modified_ns(const struct elements *e)
{
	return stream_modified_ns(e->stream);
}

/* A broken stream explains whatever seems wrong with the JSON. */
static int refuse(const struct elements *e, char *what, const char *text)
{
	snprintf(what, SNAPSHOT_WHAT_SIZE, "%s",
		 e->err ? stream_error(e->stream) : text);
	return e->err ? e->err : -EBADMSG;
}

static int refuse_long(char *what)
{
	snprintf(what, SNAPSHOT_WHAT_SIZE, "json: longer than %u bytes",
		 SNAPSHOT_LINE_MAX);
	return -EBADMSG;
}

/* False at the end and on error; e->err tells which. */
static bool fill(struct elements *e)
{
	if (e->at < e->n)
		return true;
	e->at = e->n = 0;
	if (!e->err)
		e->err = stream_read(e->stream, e->block, sizeof(e->block),
				     &e->n);
	return e->n > 0;
}

/* The next byte, or EOF. */
static int peek(struct elements *e)
{
	return fill(e) ? (unsigned char)e->block[e->at] : EOF;
}

static void advance(struct elements *e)
{
	e->line += e->block[e->at++] == '\n';
}

static int peek_past_blanks(struct elements *e)
{
	int byte;

	while ((byte = peek(e)) != EOF && jsontext_is_blank((char)byte))
		advance(e);
	return byte;
}

static bool take(struct elements *e, char byte)
{
	if (peek_past_blanks(e) != byte)
		return false;
	advance(e);
	return true;
}

static bool is_hash(const char *text, size_t size)
{
	struct pc_digest digest;

	return !digest_parse(&digest, text, size);
}

/*
 * The object form is told by its first member's name, a hash, or by having no
 * member.  Looks at the first block only: whoever puts 64 KiB of blanks before
 * the first name gets NDJSON, and is told that it is none.
 */
static enum form first_form(const struct elements *e)
{
	const char *p = e->block, *end = e->block + e->n;

	while (p < end && jsontext_is_blank(*p))
		p++;
	if (p == end || *p++ != '{')
		return FORM_LINES;
	while (p < end && jsontext_is_blank(*p))
		p++;
	if (p < end && *p == '}')
		return FORM_OBJECT;
	if (end - p < 1 + HASH_DIGITS + 1 || p[0] != '"' ||
	    p[1 + HASH_DIGITS] != '"')
		return FORM_LINES;
	return is_hash(p + 1, HASH_DIGITS) ? FORM_OBJECT : FORM_LINES;
}

static int choose_form(struct elements *e, char *what)
{
	fill(e);
	if (e->n >= 3 && !memcmp(e->block, "\xef\xbb\xbf", 3))
		return refuse(e, what, "json: begins with a byte order mark");
	e->form = first_form(e);
	return 0;
}

static bool append(struct elements *e, const char *text, size_t size)
{
	if (size > SNAPSHOT_LINE_MAX - e->size)
		return false;
	memcpy(e->text + e->size, text, size);
	e->size += size;
	return true;
}

static bool is_blank(const struct elements *e)
{
	for (size_t i = 0; i < e->size; i++) {
		if (!jsontext_is_blank(e->text[i]))
			return false;
	}
	return true;
}

/* One line into e->text; *out_end if the file ended with or before it. */
static int take_line(struct elements *e, bool *out_end, char *what)
{
	const char *newline = NULL;

	e->size = 0;
	while (!newline && fill(e)) {
		const char *start = e->block + e->at;
		size_t size = e->n - e->at;

		newline = memchr(start, '\n', size);
		if (newline)
			size = (size_t)(newline - start);
		if (!append(e, start, size))
			return refuse_long(what);
		e->at += size + !!newline;
	}
	*out_end = !newline;
	return e->err ? refuse(e, what, "") : 0;
}

static int next_line(struct elements *e, struct element *out, char *what)
{
	bool end;
	int err;

	do {
		out->line = e->line;
		err = take_line(e, &end, what);
		if (err)
			return err;
		e->line++;
	} while (!end && is_blank(e));

	if (end && is_blank(e)) {
		e->size = 0;
		e->form = FORM_END;
		if (!e->any)
			return refuse(e, what, "json: empty");
	}
	return 0;
}

static int take_name(struct elements *e, char *what)
{
	size_t n = 0;
	int byte;

	if (!take(e, '"'))
		return refuse(e, what, "json: expected a name");
	while ((byte = peek(e)) != EOF && byte != '"' && n < HASH_DIGITS) {
		e->name[n++] = (char)byte;
		advance(e);
	}
	/* The name itself is not told: it might be a key. */
	if (byte != '"' || !is_hash(e->name, n))
		return refuse(e, what, "key_hash: not 64 hex digits");
	advance(e);
	return take(e, ':') ? 0 : refuse(e, what, "json: expected a colon");
}

static int take_value(struct elements *e, char *what)
{
	struct jsontext_depth d = { 0 };

	e->size = 0;
	for (;;) {
		int byte = peek(e);
		char c = (char)byte;

		if (byte == EOF)
			return refuse(e, what, "json: ends inside the object");
		if (jsontext_ends(&d, c))
			return e->size ? 0 : refuse(e, what, "json: no value");
		if (!append(e, &c, 1))
			return refuse_long(what);
		jsontext_step(&d, c);
		advance(e);
	}
}

/* After the last member: '}' and nothing else. */
static int take_end(struct elements *e, struct element *out, char *what)
{
	bool closed = take(e, '}');
	int byte = peek_past_blanks(e);

	out->line = e->line;
	e->size = 0;
	e->form = FORM_END;
	if (e->err)
		return refuse(e, what, "");
	if (!closed && byte == EOF)
		return refuse(e, what, "json: ends inside the object");
	if (!closed)
		return refuse(e, what, "json: expected a comma or a brace");
	if (byte != EOF)
		return refuse(e, what, "json: text after the object");
	return 0;
}

static int next_member(struct elements *e, struct element *out, char *what)
{
	bool first = e->form == FORM_OBJECT;
	int err;

	if (!take(e, first ? '{' : ',') ||
	    (first && peek_past_blanks(e) == '}'))
		return take_end(e, out, what);
	e->form = FORM_OBJECT_NEXT;
	peek_past_blanks(e);
	out->line = e->line;
	err = take_name(e, what);
	if (!err)
		err = take_value(e, what);
	out->name = e->name;
	return err;
}

int elements_next(struct elements *e, struct element *out,
		  char what[static SNAPSHOT_WHAT_SIZE])
{
	int err = 0;

	*out = (struct element){ .line = e->line };
	if (e->form == FORM_UNKNOWN)
		err = choose_form(e, what);
	if (err || e->form == FORM_END)
		return err;

	if (e->form == FORM_LINES)
		err = next_line(e, out, what);
	else
		err = next_member(e, out, what);
	if (err)
		return err;
	if (memchr(e->text, '\0', e->size))
		return refuse(e, what, "json: NUL byte");
	e->any = true;
	out->text = (struct jsontext){ e->text, e->size };
	return 0;
}
