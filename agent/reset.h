/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The segments that end both sides of a connection on which the kernel has
 * answered, in the gateway's numbers: a RST from the gateway, for pc_reply to
 * translate on its way out, and one from the client.
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

/* The client's, from IP on: nobody translates it. */
size_t reset_build_gateway(uint8_t buf[static RESET_SIZE],
			   const struct pc_flow_key *key,
			   const struct pc_living *l);

#endif /* RESET_H */
