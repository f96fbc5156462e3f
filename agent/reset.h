/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The segment that ends the client's side of a connection on which the kernel
 * has answered: a RST from the gateway, in the gateway's numbers, for pc_reply
 * to translate on its way out.
 */
#ifndef RESET_H
#define RESET_H

#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

#define RESET_SIZE 128

/* The frame into buf; its size.  Source: RFC 9293 3.5.2, RFC 5961 3.2. */
size_t reset_build(uint8_t buf[static RESET_SIZE],
		   const struct pc_flow_key *key, const struct pc_living *l);

#endif /* RESET_H */
