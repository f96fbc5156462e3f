/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis events: what the filter dropped lately. */
#ifndef SHOW_EVENTS_H
#define SHOW_EVENTS_H

int show_events_main(int argc, char **argv);

#endif /* SHOW_EVENTS_H */
