// SPDX-License-Identifier: GPL-2.0-only
/* pcap.c: wherever the room ends the file is whole, and what is lost counted.
 */
#include "pcap.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "scratch.h"

#define HEAD_SIZE 24
#define RECORD_SIZE 16
#define N 5
#define MANY 1000

static struct pcap pcap;
static uint8_t bytes[256];

static int open_file(void)
{
	int fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static int put(uint32_t taken)
{
	return pcap_put(&pcap,
			&(struct pcap_packet){ .time_ns = 1770000000123456789,
					       .size = 1500,
					       .taken = taken,
					       .bytes = bytes });
}

/* Lengths that differ, so that each place is one in a packet once. */
static uint32_t taken_of(unsigned int i)
{
	return 10 + 7 * i;
}

/* Packets of a file that is whole; -1: it is not. */
static int count(void)
{
	uint32_t words[RECORD_SIZE / 4];
	FILE *f = fopen(scratch_path("file"), "r");
	struct stat st;
	long at = HEAD_SIZE;
	int n = 0;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	while (at < st.st_size) {
		if (fseek(f, at, SEEK_SET) ||
		    fread(words, sizeof(words), 1, f) != 1)
			break;
		assert_int_equal(le32toh(words[0]), 1770000000);
		assert_int_equal(le32toh(words[1]), 123456789);
		assert_int_equal(le32toh(words[3]), 1500);
		at += RECORD_SIZE + le32toh(words[2]);
		n++;
	}
	fclose(f);
	return at == st.st_size ? n : -1;
}

static void set_room(rlim_t room)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = room;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_is_put_is_there(void **state)
{
	(void)state;
	assert_int_equal(pcap_open(&pcap, open_file(), 256), 0);
	assert_int_equal(count(), 0);
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(put(taken_of(i)), 0);
	assert_int_equal(pcap_flush(&pcap), 0);
	assert_int_equal(count(), N);
	/* More than the buffer holds. */
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(put(256), 0);
	assert_int_equal(pcap_close(&pcap), 0);
	assert_int_equal(count(), N + MANY);
	assert_int_equal(pcap.n_written, N + MANY);
	assert_int_equal(pcap.n_lost, 0);
}

static int fill_room(rlim_t room)
{
	int err;

	set_room(room);
	err = pcap_open(&pcap, open_file(), 256);
	for (unsigned int i = 0; i < N && !err; i++)
		assert_int_equal(put(taken_of(i)), 0);
	err = err ? err : pcap_flush(&pcap);
	set_room(RLIM_INFINITY);
	/* There is room again: nothing follows a gap. */
	if (err)
		assert_int_equal(put(10), err);
	assert_int_equal(pcap_close(&pcap), err);
	return err;
}

static void the_file_ends_behind_the_last_whole_packet(void **state)
{
	rlim_t size = HEAD_SIZE;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned int i = 0; i < N; i++)
		size += RECORD_SIZE + taken_of(i);
	for (rlim_t room = 0; room < size; room++) {
		struct stat st;

		assert_int_equal(fill_room(room), -EFBIG);
		assert_int_equal(stat(scratch_path("file"), &st), 0);
		if (room < HEAD_SIZE) {
			assert_int_equal(st.st_size, 0);
			continue;
		}
		assert_int_equal(count(), pcap.n_written);
		assert_int_equal(pcap.n_written + pcap.n_lost, N + 1);
		assert_true(pcap.n_lost > 1);
	}
	assert_int_equal(fill_room(size), 0);
	assert_int_equal(count(), N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_there),
		cmocka_unit_test(the_file_ends_behind_the_last_whole_packet),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
