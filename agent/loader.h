/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel programs: loaded with the maps pinned in a directory. */
#ifndef LOADER_H
#define LOADER_H

struct loader;

/*
 * Loads every program.  Maps already pinned in pin_dir are adopted, missing
 * ones are made and pinned.  0 or -errno, logged with the verifier's last
 * words.
 */
int loader_load(struct loader **out, const char *pin_dir);
/* Closes descriptors; what is pinned or attached stays.  NULL is fine. */
void loader_free(struct loader *l);

/* Program descriptors, owned by the loader. */
int loader_xdp_fd(const struct loader *l);
int loader_xdp_generic_fd(const struct loader *l);
int loader_address_fd(const struct loader *l);
int loader_request_fd(const struct loader *l);
int loader_reply_fd(const struct loader *l);

#endif /* LOADER_H */
