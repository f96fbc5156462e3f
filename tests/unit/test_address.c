// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's address printer against rows of RFC 5952 and against prefix.c.
 */
#include "address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "prefix.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Written as it must be printed. */
static const char *const rows[] = {
	"0.0.0.0",
	"1.20.200.255",
	"10.100.99.9",
	"255.255.255.255",
	"::",
	"::1",
	"1::",
	"2001:db8::1",
	"2001:db8:0:1:1:1:1:1",
	"2001:0:0:1::1",
	"2001:db8::1:0:0",
	"2001:db8:0:0:1::",
	"1:0:1:0:1:0:1:0",
	"1:2:3:4:5:6:7:8",
	"::2:3:4:5:6:7",
	"0:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7:0",
	"fe80::a:b0:c00:d000",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static void print(char out[PREFIX_STRLEN], const uint8_t addr[16], int is_v6)
{
	struct pc_text t;

	memset(&t, 0xa5, sizeof(t));
	pc_address_print(&t, addr, is_v6);
	assert_in_range(t.size, 1, 39);
	memcpy(out, t.out, t.size);
	out[t.size] = '\0';
}

static void addresses_print_as_rfc_5952_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int is_v6 = strchr(rows[i], ':') != NULL;
		char got[PREFIX_STRLEN];
		uint8_t addr[16];

		assert_int_equal(
			inet_pton(is_v6 ? AF_INET6 : AF_INET, rows[i], addr),
			1);
		print(got, addr, is_v6);
		assert_string_equal(got, rows[i]);
	}
}

static void the_agent_prints_the_same(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		struct prefix p = { .family = i % 2 ? AF_INET6 : AF_INET };
		char got[PREFIX_STRLEN], want[PREFIX_STRLEN];
		int n = i % 2 ? 16 : 4;

		p.len = (uint8_t)(n * 8);
		for (int k = 0; k < n; k++)
			p.addr[k] = (uint8_t)(rand() % 3 ? 0 : rand() >> 4);
		print(got, p.addr, i % 2);
		assert_string_equal(got, prefix_print_address(&p, want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_print_as_rfc_5952_says),
		cmocka_unit_test(the_agent_prints_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
