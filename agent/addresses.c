// SPDX-License-Identifier: GPL-2.0-only
#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 512
/* Longer lists are in the image alone: a trie takes microseconds a prefix. */
#define DENY_SET_MAX 10000
/* Before what is left of a name. */
#define LONGER "..."

/* One list of host-wide prefixes. */
struct source {
	const char *name;
	const struct policy_file *file; /* NULL: it is none */
	struct prefix_list list;
	uint8_t owner;	    /* PC_OWNER_*; 0: not in the image */
	uint8_t set;	    /* enum pc_set; 0: not in pc_prefixes */
	uint8_t precedence; /* enum policy_source */
	uint8_t named;	    /* where its name is, if its owner has none */
	enum pc_reason reason;
	int64_t loaded_ns; /* Unix time */
};

/* All of them; of those in the image the first one counts. */
struct sources {
	struct source of[SOURCES_MAX];
	size_t n;
};

static void add_allow(struct sources *all, const char *name,
		      const struct prefix_list *list, enum policy_source from)
{
	all->of[all->n++] = (struct source){ .name = name,
					     .list = *list,
					     .owner = PC_OWNER_ALLOW,
					     .set = PC_SET_ALLOW,
					     .precedence = from,
					     .reason = PC_R_ALLOW_LIST };
}

static void add_block(struct sources *all, const char *name,
		      const struct prefix_list *list, uint32_t owner)
{
	bool own = owner == PC_OWNER_OPERATOR;

	all->of[all->n++] = (struct source){
		.name = name,
		.list = *list,
		.owner = (uint8_t)owner,
		.set = owner < PC_OWNER_FILE && list->n <= DENY_SET_MAX
			       ? PC_SET_DENY
			       : 0,
		.precedence = owner == PC_OWNER_IP_SCOPE ? POLICY_IP_SCOPE
			      : own			 ? POLICY_OPERATOR
							 : POLICY_SNAPSHOT,
		.reason = own ? PC_R_BLOCK_LIST : PC_R_SNAPSHOT_LIST,
	};
}

static void add_set(struct sources *all, enum pc_set set, enum pc_reason reason,
		    const struct prefix_list *list)
{
	all->of[all->n++] = (struct source){ .list = *list,
					     .set = set,
					     .precedence = POLICY_OPERATOR,
					     .reason = reason };
}

static int add_files(struct sources *all, const struct policy_options *opt)
{
	uint32_t owner = PC_OWNER_FILE, named = PC_OWNER_ALLOW;

	if (opt->n_files > SOURCES_MAX - 16)
		return -E2BIG;
	for (size_t i = 0; i < opt->n_files; i++) {
		const struct policy_file *f = &opt->files[i];

		if (owner >= PC_OWNER_ALLOW && !f->allow)
			return -E2BIG;
		if (f->allow)
			add_allow(all, f->path, &f->prefixes, POLICY_OPERATOR);
		else
			add_block(all, f->path, &f->prefixes, owner++);
		all->of[all->n - 1].file = f;
	}
	/* As many as there is room for; there are more numbers than files. */
	for (size_t i = 0; i < all->n; i++) {
		struct source *s = &all->of[i];

		if (s->file && s->owner == PC_OWNER_ALLOW)
			s->named = (uint8_t)(named > owner ? --named : 0);
	}
	return 0;
}

/* By key; for one key the operator's word comes first, and his flags. */
static int compare_prefixes(const void *a, const void *b)
{
	const struct policy_prefix *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));
	uint8_t one = (uint8_t)x->value.source,
		other = (uint8_t)y->value.source;

	if (order)
		return order;
	if (one != other)
		return one > other ? 1 : -1;
	return (x->value.source > y->value.source) -
	       (x->value.source < y->value.source);
}

static size_t drop_repeated(struct policy_prefix *items, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!i || memcmp(&items[kept - 1].key, &items[i].key,
				 sizeof(items[i].key)))
			items[kept++] = items[i];
	}
	return kept;
}

static uint32_t source_of(const struct source *s)
{
	return s->precedence | (uint32_t)s->named << POLICY_LIST_SHIFT;
}

/* What goes into pc_prefixes. */
static int merge_sets(struct policy *p, const struct sources *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += all->of[i].set ? all->of[i].list.n : 0;
	if (n > POLICY_MAX)
		return -E2BIG;
	p->prefixes = calloc(n + 1, sizeof(*p->prefixes));
	if (!p->prefixes)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct source *s = &all->of[i];

		for (size_t j = 0; s->set && j < s->list.n; j++)
			p->prefixes[n++] =
				policy_prefix_of(s->set, &s->list.items[j],
						 s->reason, source_of(s));
	}
	qsort(p->prefixes, n, sizeof(*p->prefixes), compare_prefixes);
	p->n_prefixes = drop_repeated(p->prefixes, n);
	for (size_t i = 0; i < p->n_prefixes; i++)
		p->summary.n_prefixes[ntohl(p->prefixes[i].key.scope) >> 1]++;
	return 0;
}

static int build_image(struct policy *p, const struct sources *all)
{
	struct image_source of[SOURCES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct source *s = &all->of[i];

		if (s->owner)
			of[n++] = (struct image_source){ s->list.items,
							 s->list.n, s->owner };
		if (s->owner && s->owner != PC_OWNER_ALLOW)
			p->summary.n_blocked += s->list.n;
	}
	if (p->summary.n_blocked > POLICY_MAX)
		return -E2BIG;
	return image_build(&p->image, of, n);
}

/* A path that is too long ends as it does, which says more of a file. */
static void set_name(struct pc_list *l, const char *name)
{
	const size_t most = sizeof(l->name) - 1;
	size_t size = strlen(name);

	if (size <= most) {
		strcpy(l->name, name);
		return;
	}
	name += size - (most - strlen(LONGER));
	/* Nor does it begin within a character. */
	while (((unsigned char)*name & 0xc0) == 0x80)
		name++;
	snprintf(l->name, sizeof(l->name), LONGER "%s", name);
}

/* What a list file is known by. */
static void describe(struct pc_list *l, const struct source *s)
{
	l->n_prefixes += s->list.n;
	l->loaded_ns = s->loaded_ns;
	set_name(l, s->name);
	if (s->file)
		memcpy(l->digest, s->file->digest, sizeof(l->digest));
}

static int name_lists(struct policy *p, const struct sources *all,
		      int64_t now_ns)
{
	p->lists = calloc(PC_OWNERS, sizeof(*p->lists));
	if (!p->lists)
		return -ENOMEM;
	for (size_t i = 0; i < all->n; i++) {
		const struct source *s = &all->of[i];

		if (s->owner)
			describe(&p->lists[s->owner], s);
		if (s->named)
			describe(&p->lists[s->named], s);
	}
	/* Of several one would be named. */
	p->lists[PC_OWNER_ALLOW] = (struct pc_list){
		.name = "allow entries",
		.n_prefixes = p->lists[PC_OWNER_ALLOW].n_prefixes,
		.loaded_ns = now_ns,
	};
	return 0;
}

static int add_all(struct sources *all, const struct policy_base *base,
		   const struct policy_options *opt)
{
	int err;

	add_block(all, "--block", &opt->block, PC_OWNER_OPERATOR);
	add_allow(all, "--allow", &opt->allow, POLICY_OPERATOR);
	err = add_files(all, opt);
	if (err)
		return err;
	add_allow(all, "the snapshot", &base->allow, POLICY_SNAPSHOT);
	add_block(all, "the snapshot", &base->block, PC_OWNER_SNAPSHOT);
	add_block(all, "--ip-scope", &base->wide, PC_OWNER_IP_SCOPE);
	add_set(all, PC_SET_PROXY, PC_R_ADDRESS_UNSURE, &opt->proxies);
	add_set(all, PC_SET_GATEWAY, PC_R_KEY_LIVE, &opt->gateways);
	for (size_t i = 0; i < all->n; i++) {
		struct source *s = &all->of[i];

		s->loaded_ns = s->file ? s->file->loaded_ns
			       : s->precedence == POLICY_OPERATOR
				       ? opt->now_ns
				       : base->made_ns;
	}
	return 0;
}

int addresses_compile(struct policy *p, const struct policy_base *base,
		      const struct policy_options *opt)
{
	struct sources *all = calloc(1, sizeof(*all));
	int err = all ? add_all(all, base, opt) : -ENOMEM;

	if (!err)
		err = merge_sets(p, all);
	if (!err)
		err = build_image(p, all);
	if (!err)
		err = name_lists(p, all, opt->now_ns);
	free(all);
	return err;
}
