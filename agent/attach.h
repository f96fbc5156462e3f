/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs on interfaces.  An attachment is ours when its program uses the maps
 * pinned in our directory; nothing else is ever replaced or removed.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "xdp.h"

struct attachment {
	char name[IF_NAMESIZE];
	int ifindex;
	enum xdp_kind xdp; /* addresses are judged there */
	bool address;	   /* addresses are judged at TC */
	bool request;	   /* requests are judged */
	bool reply;	   /* answers are heard and translated */
};

/* The address programs, for any hook, and which hooks may be used. */
struct attach_programs {
	int native_fd;
	int generic_fd;
	int tc_fd;
	bool may_be_native; /* tried first; why it failed is logged */
	bool may_be_generic;
	/* neither: at TC */
};

/* The TC programs, of one interface's both directions. */
struct attach_filters {
	int request_fd; /* ingress */
	int reply_fd;	/* egress */
};

/* Is the way free?  -EBUSY: somebody else's program is there; logged by name.
 */
int attach_check_address(const char *pin_dir, const struct attach_programs *p,
			 int ifindex, const char *name);
int attach_check_request(const char *pin_dir, int ifindex, const char *name);

/*
 * Puts the programs on the interface, or in the place of earlier ones of ours
 * without a gap, whatever hook those are at.  0 or -errno, logged; on failure
 * addresses go on to be judged where they were.
 */
int attach_address(const char *pin_dir, const struct attach_programs *p,
		   int ifindex, const char *name);
int attach_request(const char *pin_dir, const struct attach_filters *f,
		   int ifindex, const char *name);

/* Are they there, in one of the places where they may be? */
bool attach_has_address(const char *pin_dir, const struct attach_programs *p,
			int ifindex);
bool attach_has_request(const char *pin_dir, int ifindex);

/* Takes ours away; nothing there is fine.  0 or -errno, logged. */
int attach_remove_address(const char *pin_dir, int ifindex, const char *name);
int attach_remove_request(const char *pin_dir, int ifindex, const char *name);

/*
 * What of ours is attached, in this network namespace, by interface.  A new
 * array in *out, with an empty element behind the last.  0 or -errno (-ENOENT:
 * no filter in pin_dir).
 */
int attach_list(struct attachment **out, size_t *n, const char *pin_dir);

/*
 * Takes ours away from every interface of this network namespace; goes on past
 * failures and returns the first.  *removed: interfaces freed.
 */
int attach_remove_all(size_t *removed, const char *pin_dir);

#endif /* ATTACH_H */
