/* SPDX-License-Identifier: GPL-2.0-only */
/* The decision service's counters in Prometheus' text format. */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>

struct desk;
struct health;

/* A new string; NULL: no memory. */
char *metrics_print(const struct health *h, const struct desk *d, bool ready);

#endif /* METRICS_H */
