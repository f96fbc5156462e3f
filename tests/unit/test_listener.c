// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "listener.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/portcullis-listener.XXXXXX";
static char path[128], text[160];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/below/it/check.sock", dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	return 0;
}

static int remove_dir(void **state)
{
	char name[128];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s/below/it", dir);
	rmdir(name);
	snprintf(name, sizeof(name), "%s/below", dir);
	rmdir(name);
	return rmdir(dir);
}

static void texts_have_a_form(void **state)
{
	static const char *const good[] = {
		"unix:/run/x.sock", "127.0.0.1:80",    "0.0.0.0:65535",
		"[::1]:8080",	    "[2001:db8::1]:1",
	};
	static const char *const bad[] = {
		"",
		"unix:",
		"unix:x.sock",
		"/run/x.sock",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:8a",
		"127.0.0.1:-1",
		"localhost:80",
		"::1:80",
		"[::1]",
		"[::1:80",
		"[127.0.0.1]:80",
		":80",
		"tcp:1.2.3.4:5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (listener_check(good[i]))
			fail_msg("%s is refused", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!listener_check(bad[i]))
			fail_msg("%s is taken", bad[i]);
	}
}

static void a_path_is_made_and_removed(void **state)
{
	struct listener l;
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(&l, text), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	listener_close(&l);
	assert_int_equal(stat(path, &st), -1);
}

static void a_socket_in_use_stays(void **state)
{
	struct listener l, other;
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(&l, text), 0);
	assert_int_equal(listener_listen(&l), 0);
	assert_int_equal(listener_open(&other, text), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	listener_close(&l);
}

static void nobody_waits_for_one_that_does_not_listen_yet(void **state)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct listener l;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	memccpy(where.sun_path, path, '\0', sizeof(where.sun_path) - 1);
	assert_int_equal(listener_open(&l, text), 0);
	assert_int_equal(connect(fd, (void *)&where, sizeof(where)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(listener_listen(&l), 0);
	assert_int_equal(connect(fd, (void *)&where, sizeof(where)), 0);
	close(fd);
	listener_close(&l);
}

static void a_dead_one_is_replaced(void **state)
{
	struct listener dead, l;
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(&dead, text), 0);
	close(dead.fd);
	dead.fd = -1;
	assert_int_equal(listener_open(&l, text), 0);
	/* The dead one's owner comes late: the path is not its any more. */
	dead.inode++;
	listener_close(&dead);
	assert_int_equal(stat(path, &st), 0);
	listener_close(&l);
}

static void what_is_no_socket_stays(void **state)
{
	struct listener l;
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fclose(f);
	assert_int_equal(listener_open(&l, text), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_a_form),
		cmocka_unit_test(a_path_is_made_and_removed),
		cmocka_unit_test(a_socket_in_use_stays),
		cmocka_unit_test(nobody_waits_for_one_that_does_not_listen_yet),
		cmocka_unit_test(a_dead_one_is_replaced),
		cmocka_unit_test(what_is_no_socket_stays),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
