// SPDX-License-Identifier: GPL-2.0-only
/*
 * A /24 with few addresses goes to buckets, and to a leaf where one of them
 * finds its bucket full.  Everything is decided before the first line is
 * written, because the number of blocks and leaves is known only then.
 */
#include "image4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "owners.h"

/*
 * A leaf takes as much as eight addresses in buckets.  At six to a bucket of
 * twelve, one /24 in 400 of random addresses finds a full one.
 */
#define FEW 8u
#define BUCKET_LOAD 6u
#define N_NETS 65536u /* /16s */

static bool is_whole(const struct image4_piece *p)
{
	return !(p->first & 255) && p->last - p->first >= 255;
}

/* Where the pieces of a /24, or of whole ones, end. */
static size_t group_end(const struct image4 *im, size_t at)
{
	uint32_t net = im->pieces[at].first >> 8;
	size_t end = at + 1;

	if (is_whole(&im->pieces[at]))
		return end;
	while (end < im->n && im->pieces[end].first >> 8 == net)
		end++;
	return end;
}

static int add_piece(struct image4 *im, const struct image4_piece *p)
{
	if (im->n == im->size) {
		size_t size = im->size ? 2 * im->size : 1024;
		struct image4_piece *grown =
			reallocarray(im->pieces, size, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		im->pieces = grown;
		im->size = size;
	}
	im->pieces[im->n++] = *p;
	return 0;
}

/* Cut where whole /24s begin and end. */
static int add_stretch(struct image4 *im, const struct cover_stretch *s)
{
	uint32_t first = (uint32_t)(s->first >> 96);
	uint32_t last = (uint32_t)(s->last >> 96);

	for (;;) {
		struct image4_piece p = { .first = first,
					  .last = first | 255,
					  .owner = s->owner };
		int err;

		/* Beyond the last address is 0, and all before it whole. */
		if (!(first & 255) && last - first >= 255)
			p.last = ((last + 1) & ~255u) - 1;
		else if (p.last > last)
			p.last = last;
		err = add_piece(im, &p);
		if (err || p.last == last)
			return err;
		first = p.last + 1;
	}
}

/* How many addresses, if they are few enough for buckets, else 0. */
static uint32_t count_few(const struct image4 *im, size_t at, size_t end)
{
	uint32_t n = 0;

	if (im->pieces[at].first < 256 || is_whole(&im->pieces[at]))
		return 0;
	for (; at < end; at++)
		n += im->pieces[at].last - im->pieces[at].first + 1;
	return n <= FEW ? n : 0;
}

static void set_few(struct image4 *im, size_t at, size_t end, bool few)
{
	for (; at < end; at++)
		im->pieces[at].few = few;
}

static size_t mark_few(struct image4 *im)
{
	size_t n_few = 0;

	for (size_t at = 0, end; at < im->n; at = end) {
		uint32_t n;

		end = group_end(im, at);
		n = count_few(im, at, end);
		set_few(im, at, end, n > 0);
		n_few += n;
	}
	return n_few;
}

static uint8_t *fill_of(struct image4 *im, uint32_t addr)
{
	return &im->fill[pc_image_bucket(addr, im->n_buckets)];
}

/* False where a bucket is full; the places taken until then stay empty. */
static bool take_places(struct image4 *im, size_t at, size_t end)
{
	for (; at < end; at++) {
		const struct image4_piece *p = &im->pieces[at];

		for (uint32_t i = 0; i <= p->last - p->first; i++) {
			uint8_t *fill = fill_of(im, p->first + i);

			if (*fill == PC_BUCKET_SIZE)
				return false;
			++*fill;
		}
	}
	return true;
}

static bool has_one_owner(const struct image4 *im, size_t at, size_t end)
{
	uint8_t owner = im->pieces[at].owner;

	while (at < end && im->pieces[at].owner == owner)
		at++;
	return at == end;
}

static void count_words(struct image4 *im, uint32_t net, uint32_t n)
{
	im->nets[net].n_words = (uint16_t)(im->nets[net].n_words + n);
}

/* Whole /24s, by the /16s that they are in. */
static void count_whole(struct image4 *im, const struct image4_piece *p)
{
	for (uint32_t net = p->first >> 16; net <= p->last >> 16; net++) {
		uint32_t begin = net << 16, end = begin | 0xffff;

		if (begin >= p->first && end <= p->last) {
			im->nets[net] =
				(struct image4_net){ .kind = PC_NET_INDEXED,
						     .owner = p->owner };
			continue;
		}
		if (begin < p->first)
			begin = p->first;
		if (end > p->last)
			end = p->last;
		im->nets[net].kind = PC_NET_INDEXED;
		count_words(im, net, (end >> 8) - (begin >> 8) + 1);
	}
}

static void count_leaf(struct image4 *im, size_t at, size_t end)
{
	count_words(im, im->pieces[at].first >> 16, 1);
	im->n_leaves += has_one_owner(im, at, end) ? 1 : 1 + PC_LEAF_LINES;
}

/* 0: it has none. */
static uint32_t block_size(const struct image4_net *net)
{
	if (!net->n_words)
		return 0;
	return 1 + (net->n_words + PC_LINE_WORDS - 1) / PC_LINE_WORDS;
}

/* Spilled /24s do not count: their buckets say where they are. */
static void set_kind(struct image4 *im, size_t at)
{
	struct image4_net *net = &im->nets[im->pieces[at].first >> 16];

	if (!im->pieces[at].few)
		net->kind = PC_NET_INDEXED;
	else if (!net->kind)
		net->kind = PC_NET_FEW;
}

static void settle(struct image4 *im)
{
	for (size_t at = 0, end; at < im->n; at = end) {
		end = group_end(im, at);
		if (is_whole(&im->pieces[at])) {
			count_whole(im, &im->pieces[at]);
			continue;
		}
		set_kind(im, at);
		if (im->pieces[at].few && take_places(im, at, end))
			continue;
		set_few(im, at, end, false);
		count_leaf(im, at, end);
	}
	for (size_t net = 0; net < N_NETS; net++)
		im->n_block_lines += block_size(&im->nets[net]);
}

int image4_init(struct image4 *out, struct cover *c)
{
	struct image4 im = { 0 };
	struct cover_stretch s;
	int err = 0;

	while (!err && cover_next(&s, c)) {
		if (s.owner != PC_OWNER_NONE)
			err = add_stretch(&im, &s);
	}
	if (!err && im.n) {
		im.n_buckets = (uint32_t)(mark_few(&im) / BUCKET_LOAD + 1);
		im.nets = calloc(N_NETS, sizeof(*im.nets));
		im.fill = calloc(im.n_buckets, sizeof(*im.fill));
		err = im.nets && im.fill ? 0 : -ENOMEM;
	}
	if (err) {
		image4_fini(&im);
		return err;
	}
	if (im.n)
		settle(&im);
	*out = im;
	return 0;
}

void image4_fini(struct image4 *im)
{
	free(im->pieces);
	free(im->nets);
	free(im->fill);
	*im = (struct image4){ 0 };
}

#define BUCKETS_AT PC_INDEX_LINES
#define AHEAD 16

size_t image4_size(const struct image4 *im)
{
	if (!im->n)
		return 0;
	return BUCKETS_AT + im->n_buckets + im->n_block_lines + im->n_leaves;
}

/* Lines, and how far they are written. */
struct output {
	struct pc_line *lines;
	uint32_t block; /* line of the next one */
	uint32_t word;	/* the last block's next, counted from line 0 */
	uint32_t leaf;	/* line of the next one */
};

static struct pc_index *index_of(struct output *o, uint32_t net)
{
	struct pc_indexes *x = (void *)&o->lines[net / 8];

	return &x->of[net % 8];
}

/* Begun when the first of its /24s is put, and they come in order. */
static struct pc_nets *block_of(const struct image4 *im, struct output *o,
				uint32_t net)
{
	struct pc_index *x = index_of(o, net);

	if (!x->at) {
		x->at = o->block;
		o->word = (o->block + 1) * PC_LINE_WORDS;
		o->block += block_size(&im->nets[net]);
	}
	return (void *)&o->lines[x->at];
}

static void put_bit(__u64 bits[static 4], uint32_t addr)
{
	bits[pc_nets_part(addr)] |= 1ULL << pc_nets_bit(addr);
}

/* A /24 with a word, after those before it. */
static void put_word(const struct image4 *im, struct output *o, uint32_t addr,
		     uint32_t value)
{
	struct pc_index *x = index_of(o, addr >> 16);

	put_bit(block_of(im, o, addr >> 16)->worded, addr);
	for (uint32_t part = pc_nets_part(addr) + 1; part < 4; part++)
		x->before[part]++;
	o->lines[o->word / PC_LINE_WORDS].word[o->word % PC_LINE_WORDS] = value;
	o->word++;
}

static void put_whole(const struct image4 *im, struct output *o,
		      const struct image4_piece *p)
{
	uint32_t net = p->first >> 8, last = p->last >> 8;

	while (net <= last) {
		if (!im->nets[net >> 8].owner) {
			put_word(im, o, net++ << 8, p->owner);
			continue;
		}
		/* All of a /16, and there are many in a short prefix. */
		index_of(o, net >> 8)->at = p->owner;
		net += 256;
	}
}

/* Buckets are anywhere: they are under way by the time they are written. */
static void fetch_bucket(const struct image4 *im, struct pc_line *lines,
			 size_t at)
{
	if (at < im->n && im->pieces[at].few)
		__builtin_prefetch(&lines[BUCKETS_AT +
					  pc_image_bucket(im->pieces[at].first,
							  im->n_buckets)],
				   1);
}

static struct pc_bucket *bucket_of(const struct image4 *im, struct output *o,
				   uint32_t addr)
{
	uint32_t number = pc_image_bucket(addr, im->n_buckets);

	return (void *)&o->lines[BUCKETS_AT + number];
}

static void put_place(struct image4 *im, struct output *o, uint32_t addr,
		      uint8_t owner)
{
	struct pc_bucket *b = bucket_of(im, o, addr);
	uint32_t place = pc_image_place(addr, im->n_buckets);

	/* The last ones are the fewest addresses' first. */
	for (uint32_t i = PC_BUCKET_SIZE; b->addr[place]; i--)
		place = i - 1;
	b->addr[place] = addr;
	b->owner[place] = owner;
}

static void put_few(struct image4 *im, struct output *o, size_t at, size_t end)
{
	uint32_t addr = im->pieces[at].first;

	if (im->nets[addr >> 16].kind == PC_NET_INDEXED)
		put_bit(block_of(im, o, addr >> 16)->few, addr);
	for (; at < end; at++) {
		const struct image4_piece *p = &im->pieces[at];

		for (uint32_t i = 0; i <= p->last - p->first; i++)
			put_place(im, o, p->first + i, p->owner);
	}
}

static void put_bits(struct pc_line *leaf, uint32_t first, uint32_t last)
{
	for (uint32_t i = first / 32; i <= last / 32; i++) {
		uint32_t from = i == first / 32 ? first % 32 : 0;
		uint32_t to = i == last / 32 ? last % 32 : 31;

		leaf->word[i] |= ~0u << from & ~0u >> (31 - to);
	}
}

/* A /24 that was to be in buckets, and one was full. */
static void put_spilled(struct image4 *im, struct output *o, size_t at,
			size_t end)
{
	for (; at < end; at++) {
		const struct image4_piece *p = &im->pieces[at];

		for (uint32_t i = 0; i <= p->last - p->first; i++)
			bucket_of(im, o, p->first + i)->spilled = 1;
	}
}

static void put_leaf(struct image4 *im, struct output *o, size_t at, size_t end)
{
	uint32_t addr = im->pieces[at].first;
	bool one_owner = has_one_owner(im, at, end);
	struct pc_line *leaf = &o->lines[o->leaf];
	uint8_t *owners = (uint8_t *)(leaf + 1);

	put_word(im, o, addr, o->leaf);
	if (im->nets[addr >> 16].kind != PC_NET_INDEXED)
		put_spilled(im, o, at, end);
	leaf->word[PC_LEAF_OWNERS] =
		one_owner ? im->pieces[at].owner : o->leaf + 1;
	o->leaf += one_owner ? 1 : 1 + PC_LEAF_LINES;
	for (; at < end; at++) {
		const struct image4_piece *p = &im->pieces[at];
		uint32_t first = p->first & 255, last = p->last & 255;

		put_bits(leaf, first, last);
		if (!one_owner)
			memset(owners + first, p->owner, last - first + 1);
	}
}

static void put_kinds(const struct image4 *im, struct pc_image *head)
{
	for (uint32_t net = 0; net < N_NETS; net++)
		head->net[net / 16] |= (uint32_t)im->nets[net].kind
				       << net % 16 * 2;
}

void image4_write(struct image4 *im, struct pc_image *head,
		  struct pc_line *lines)
{
	struct output o = {
		.lines = lines,
		.block = BUCKETS_AT + im->n_buckets,
	};

	if (!im->n)
		return;
	o.leaf = o.block + (uint32_t)im->n_block_lines;
	head->n_buckets = im->n_buckets;
	head->bucket_at = BUCKETS_AT;
	put_kinds(im, head);
	for (size_t at = 0, end; at < im->n; at = end) {
		end = group_end(im, at);
		fetch_bucket(im, lines, at + AHEAD);
		if (is_whole(&im->pieces[at]))
			put_whole(im, &o, &im->pieces[at]);
		else if (im->pieces[at].few)
			put_few(im, &o, at, end);
		else
			put_leaf(im, &o, at, end);
	}
}
