/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automatic bans at work: offenders of the kernel's and the service's go to
 * autoban, which asks here who must be spared and has the others banned.
 */
#ifndef WARDEN_H
#define WARDEN_H

#include "autoban.h"
#include "bans.h"
#include "consent.h"
#include "events.h"
#include "lifewatch.h"
#include "maps.h"
#include "options.h"

struct warden {
	const struct options *opt; /* all of these are borrowed */
	struct maps *maps;
	struct bans *bans;
	const struct consent *consent;
	struct lifewatch *lifewatch; /* owned; NULL: nobody is banned so */
	struct suspects *suspects;   /* owned; NULL: there is no service */
	struct events *events;	     /* owned */
	struct autoban *autoban;     /* owned; NULL: nobody is banned so */
};

/*
 * Opens the kernel's events, and, where --ban-after asks for it, all the rest;
 * before privileges are dropped.  The caller has filled in what is borrowed.
 * 0 or -errno, logged.
 */
int warden_open(struct warden *w, bool has_service);
/* To an epoll set of struct watch.  0 or -errno. */
int warden_watch(struct warden *w, int epoll);
/* After the service's end: it counts suspects. */
void warden_close(struct warden *w);

#endif /* WARDEN_H */
