// SPDX-License-Identifier: GPL-2.0-only
/* SSH_CONNECTION, as sshd sets it and as anybody may. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void the_clients_address_is_read(void **state)
{
	static const struct {
		const char *value;
		const char *address; /* NULL: there is none */
	} rows[] = {
		{ "192.0.2.7 51234 192.0.2.1 22", "192.0.2.7" },
		{ "2001:db8::7 51234 2001:db8::1 22", "2001:db8::7" },
		{ "::ffff:192.0.2.7 51234 ::ffff:192.0.2.1 22", "192.0.2.7" },
		{ "fe80::7%eth0 51234 fe80::1%eth0 22", "fe80::7" },
		{ "fe80::7%a-zone-of-any-length-at-all-there-is-no-end 1 fe80::1 2",
		  "fe80::7" },
		{ "192.0.2.7 ", "192.0.2.7" },
		{ "", NULL },
		{ " ", NULL },
		{ "%eth0 1 2 3", NULL },
		{ "192.0.2.7", NULL },
		{ "192.0.2.70", NULL },
		{ "192.0.2.7\t51234 192.0.2.1 22", NULL },
		{ "192.0.2.0/24 51234 192.0.2.1 22", NULL },
		{ "192.0.2.07 51234 192.0.2.1 22", NULL },
		{ "UNKNOWN 65535 UNKNOWN 65535", NULL },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111 1 2 3",
		  NULL },
		{ "%s%s%s%n 1 2 3", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[PREFIX_STRLEN];
		struct prefix p;
		int rc = session_parse(&p, rows[i].value);

		if (rc != (rows[i].address ? 0 : -EINVAL))
			fail_msg("'%s': %d", rows[i].value, rc);
		if (rows[i].address)
			assert_string_equal(prefix_print_address(&p, text),
					    rows[i].address);
	}
}

/* What a child finds that runs find_in() in an environment of its own. */
static int in_child(int (*find_in)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(find_in());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int count_of(const char *address)
{
	struct prefix_list list;
	struct prefix p;
	int n = 0;

	if (session_find_clients(&list) || prefix_parse_address(&p, address))
		return 255;
	for (size_t i = 0; i < list.n; i++)
		n += !prefix_compare(&list.items[i], &p);
	free(list.items);
	return n;
}

static int find_own(void)
{
	setenv("SSH_CONNECTION", "198.51.100.9 1 198.51.100.1 22", 1);
	return count_of("198.51.100.9");
}

static int find_without(void)
{
	unsetenv("SSH_CONNECTION");
	return count_of("198.51.100.9");
}

static void the_own_environment_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(in_child(find_own), 1);
	assert_int_equal(in_child(find_without), 0);
}

/*
 * The environment that /proc shows of a process is what it was executed with:
 * this program again, whose child has dropped the variable, as sudo does.
 */
static int run_as_ancestor(void)
{
	char *argv[] = { "/proc/self/exe", "ancestor", NULL };
	char *envp[] = { "OTHER=1", "NOT_SSH_CONNECTION=198.51.100.8 1 2 3",
			 "SSH_CONNECTION=198.51.100.9 1 198.51.100.1 22",
			 NULL };

	execve(argv[0], argv, envp);
	return 255;
}

static int find_from_grandchild(void)
{
	return in_child(find_without);
}

static void the_ancestors_environments_are_looked_at(void **state)
{
	(void)state;
	assert_int_equal(in_child(run_as_ancestor), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clients_address_is_read),
		cmocka_unit_test(the_own_environment_is_looked_at),
		cmocka_unit_test(the_ancestors_environments_are_looked_at),
	};

	(void)argv;
	if (argc > 1)
		return in_child(find_from_grandchild);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
