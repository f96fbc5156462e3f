/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that held what must not be kept: snapshots carry e-mail addresses, and
 * a freed block keeps its bytes until somebody needs the room.
 */
#ifndef WIPE_H
#define WIPE_H

/* free() that clears the block first.  NULL is fine. */
void wipe_free(void *block);

/* From here on jansson gives its memory back clean. */
void wipe_json(void);

/* For z_stream.zalloc and zfree. */
void *wipe_zalloc(void *unused, unsigned int n, unsigned int size);
void wipe_zfree(void *unused, void *block);

#endif /* WIPE_H */
