// SPDX-License-Identifier: GPL-2.0-only
#include "guard.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "stretch.h"

#define OWNER_SIZE (PC_LIST_NAME_SIZE + 32)

static void __attribute__((format(printf, 2, 3)))
object(struct guard_objections *out, const char *fmt, ...)
{
	va_list ap;

	if (out->n == GUARD_MAX) {
		out->n_more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(out->text[out->n++], GUARD_TEXT_SIZE, fmt, ap);
	va_end(ap);
}

static const char *owner_print(char buf[static OWNER_SIZE], uint32_t owner,
			       const struct pc_list *lists)
{
	switch (owner) {
	case PC_OWNER_OPERATOR:
		return "--block";
	case PC_OWNER_SNAPSHOT:
		return "the snapshot's ip_blacklist";
	case PC_OWNER_IP_SCOPE:
		return "the address rules of keys";
	default:
		break;
	}
	if (lists && *lists[owner].name)
		snprintf(buf, OWNER_SIZE, "the block list %.*s",
			 PC_LIST_NAME_SIZE, lists[owner].name);
	else
		snprintf(buf, OWNER_SIZE, "block list %u",
			 owner - PC_OWNER_FILE + 1);
	return buf;
}

/* An address without its length. */
static const char *part_print(char buf[static PREFIX_STRLEN],
			      const struct prefix *p)
{
	return p->len == (p->family == AF_INET ? 32 : 128)
		       ? prefix_print_address(p, buf)
		       : prefix_print(p, buf);
}

/* part: what would be dropped of the lifeline, maybe all of it. */
static void object_to_drop(struct guard_objections *out, const char *who,
			   const struct prefix *part,
			   const struct lifeline *line)
{
	char a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	if (prefix_compare(part, &line->prefix))
		object(out, "%s would drop %s of %s, %s", who,
		       part_print(a, part), part_print(b, &line->prefix),
		       line->what);
	else
		object(out, "%s would drop %s, %s", who, part_print(a, part),
		       line->what);
}

void guard_policy(struct guard_objections *out, const struct image *im,
		  const struct pc_list *lists, const struct lifelines *lines)
{
	static const char wide[] =
		"the lists would drop more than half of all %s addresses";

	out->n = out->n_more = 0;
	if (im->over_half4)
		object(out, wide, "IPv4");
	if (im->over_half6)
		object(out, wide, "IPv6");
	for (size_t i = 0; i < lines->n; i++) {
		const struct lifeline *line = &lines->items[i];
		char who[OWNER_SIZE];
		struct prefix part;
		uint32_t owner;

		if (stretch_find_denied(&part, &owner, im, &line->prefix))
			object_to_drop(out, owner_print(who, owner, lists),
				       &part, line);
	}
}

static bool is_allowed(const struct prefix *part,
		       const struct prefix_list *allow)
{
	for (size_t i = 0; i < allow->n; i++) {
		if (prefix_contains(&allow->items[i], part))
			return true;
	}
	return false;
}

void guard_ban(struct guard_objections *out, const struct prefix *ban,
	       const struct lifelines *lines, const struct prefix_list *allow)
{
	int shortest = ban->family == AF_INET ? GUARD_BAN_LEN4_MIN
					      : GUARD_BAN_LEN6_MIN;
	char who[OWNER_SIZE], text[PREFIX_STRLEN];

	out->n = out->n_more = 0;
	snprintf(who, sizeof(who), "the ban of %s", part_print(text, ban));
	if (ban->len < shortest)
		object(out, "%s is wider than a /%d", who, shortest);
	for (size_t i = 0; i < lines->n; i++) {
		const struct lifeline *line = &lines->items[i];
		const struct prefix *part;

		if (prefix_contains(ban, &line->prefix))
			part = &line->prefix;
		else if (prefix_contains(&line->prefix, ban))
			part = ban;
		else
			continue;
		if (!is_allowed(part, allow))
			object_to_drop(out, who, part, line);
	}
}
