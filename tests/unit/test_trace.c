// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of denials: what a reader gets of a writer that runs, is dead or
 * lies, and that nobody's file is taken for a ring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decisions.h"
#include "trace.h"

/* Where things are in the file, as another program would know them. */
#define MAGIC_AT 0
#define WRITTEN_AT 24
#define SLOTS_AT 32
#define SLOT_SIZE 96
#define FILE_SIZE (SLOTS_AT + (off_t)TRACE_RECORDS * SLOT_SIZE)

#define WRITERS 4
#define EACH 300000

static char dir[] = "/tmp/pc_trace.XXXXXX";
static char path[64];

static struct trace_record record_of(uint64_t number)
{
	struct trace_record r = {
		.number = number,
		.time_ns = 1700000000000000000 + (int64_t)number,
		.key_id = (int64_t)number * 3,
		.digest4 = { 0xde, 0xad, 0xbe, (uint8_t)number },
		.status = 429,
		.reason = PC_R_KEY_EXHAUSTED,
		.stale = 1,
	};

	snprintf(r.client, sizeof(r.client), "192.0.2.%u",
		 (unsigned int)(number % 256));
	return r;
}

static void write_some(struct trace *t, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct trace_record r = record_of(trace_number(t));

		trace_write(t, &r);
	}
}

static struct trace *create(void)
{
	struct trace *t = NULL;

	assert_int_equal(trace_create(&t, path), 0);
	return t;
}

static struct trace *reader(void)
{
	struct trace *t = NULL;

	assert_int_equal(trace_open(&t, path), 0);
	return t;
}

/* Reads all there is; returns how many, checks that each is whole. */
static uint64_t drain(struct trace *t, uint64_t *position, uint64_t *lost)
{
	struct trace_record r;
	uint64_t n = 0, missed;
	bool read;

	*lost = 0;
	do {
		read = trace_read(&r, &missed, t, position);
		*lost += missed;
		if (read) {
			struct trace_record want = record_of(r.number);

			assert_memory_equal(r.client, want.client,
					    sizeof(r.client));
			assert_int_equal(r.key_id, want.key_id);
			assert_int_equal(r.time_ns, want.time_ns);
			n++;
		}
	} while (read);
	return n;
}

/* How many more reads of the file until the writer goes round; 0: it does not.
 */
static int lap_before;
static struct trace *lapping;

/* In the place of libc's. */
ssize_t pread(int fd, void *buf, size_t size, off_t at)
{
	if (lap_before && !--lap_before)
		write_some(lapping, TRACE_RECORDS + 1);
	return syscall(SYS_pread64, fd, buf, size, at);
}

static void put(off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, at), (ssize_t)size);
	close(fd);
}

static void records_come_in_order_and_once(void **state)
{
	struct trace *w = create(), *r = reader();
	uint64_t position = 0, lost;
	struct trace_record got;

	(void)state;
	assert_false(trace_read(&got, &lost, r, &position));
	write_some(w, 3);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_true(trace_read(&got, &lost, r, &position));
		assert_int_equal(got.number, i);
		assert_int_equal(lost, 0);
		assert_int_equal(got.status, 429);
		assert_int_equal(got.digest4[3], i);
	}
	assert_false(trace_read(&got, &lost, r, &position));
	write_some(w, 1);
	assert_int_equal(drain(r, &position, &lost), 1);
	assert_int_equal(lost, 0);
	trace_close(r);
	trace_close(w);
}

static void what_was_overwritten_is_counted(void **state)
{
	struct trace *w = create(), *r = reader(), *late;
	uint64_t position = 0, begin = 0, lost;

	(void)state;
	write_some(w, 5);
	assert_int_equal(drain(r, &position, &lost), 5);
	write_some(w, TRACE_RECORDS + 7);
	assert_int_equal(drain(r, &position, &lost), TRACE_RECORDS);
	assert_int_equal(lost, 7);
	/* Whoever comes late has missed nothing that was his. */
	late = reader();
	assert_int_equal(drain(late, &begin, &lost), TRACE_RECORDS);
	assert_int_equal(lost, 0);
	trace_close(late);
	trace_close(r);
	trace_close(w);
}

/* One that saw the empty ring was there for every record. */
static void a_reader_of_nothing_misses_what_follows(void **state)
{
	struct trace *w = create(), *r = reader();
	uint64_t position = 0, lost;

	(void)state;
	assert_int_equal(drain(r, &position, &lost), 0);
	write_some(w, TRACE_RECORDS + 2);
	assert_int_equal(drain(r, &position, &lost), TRACE_RECORDS);
	assert_int_equal(lost, 2);
	trace_close(r);
	trace_close(w);
}

static void a_killed_writer_leaves_its_records(void **state)
{
	char before[TRACE_ID_SIZE], after[TRACE_ID_SIZE];
	uint64_t position = 0, lost;
	struct trace *r, *w;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		write_some(create(), 9);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r = reader();
	assert_int_equal(drain(r, &position, &lost), 9);
	trace_print_id(r, 9, before);
	w = create();
	assert_int_equal(trace_number(w), 10);
	trace_print_id(w, 9, after);
	assert_string_equal(before, after);
	write_some(w, 2);
	assert_int_equal(drain(r, &position, &lost), 2);
	trace_close(r);
	trace_close(w);
}

static void half_a_record_is_none(void **state)
{
	uint64_t odd = 2 * 2 + 1, position = 0, lost;
	struct trace *w = create(), *r = reader();

	(void)state;
	write_some(w, 3);
	put(SLOTS_AT + 2 * SLOT_SIZE, &odd, sizeof(odd));
	assert_int_equal(drain(r, &position, &lost), 2);
	assert_int_equal(lost, 0);
	/* Its writer is dead, for there is a newer one. */
	write_some(w, 1);
	assert_int_equal(drain(r, &position, &lost), 1);
	assert_int_equal(lost, 1);
	trace_close(r);
	trace_close(w);
}

static void one_writer_at_a_time(void **state)
{
	struct trace *w = create(), *second = NULL;

	(void)state;
	assert_int_equal(trace_create(&second, path), -EBUSY);
	assert_null(second);
	trace_close(w);
	trace_close(create());
}

static void only_rings_are_taken(void **state)
{
	static const char foreign[] = "root:x:0:0:root:/root:/bin/bash\n";
	struct trace *t = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(trace_open(&t, path), -ENOENT);
	put(0, foreign, sizeof(foreign));
	assert_int_equal(trace_create(&t, path), -EPROTO);
	assert_int_equal(trace_open(&t, path), -EPROTO);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof(foreign));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(trace_create(&t, path), -EPROTO);
	assert_int_equal(trace_open(&t, path), -EPROTO);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(trace_create(&t, path), -ELOOP);
	assert_null(t);
}

static void the_file_is_the_owners_alone(void **state)
{
	struct stat st;

	(void)state;
	put(0, "", 0);
	assert_int_equal(chmod(path, 0644), 0);
	trace_close(create());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, FILE_SIZE);
}

/* Another version's, one cut short, one whose writer died at its beginning. */
static void a_ring_that_cannot_go_on_begins_anew(void **state)
{
	uint64_t position, lost;
	struct trace *w, *r, *t = NULL;

	(void)state;
	for (int how = 0; how < 3; how++) {
		unlink(path);
		w = create();
		write_some(w, 4);
		trace_close(w);
		if (how == 0)
			put(MAGIC_AT, "pctrace0", 8);
		else if (how == 1)
			assert_int_equal(truncate(path, 5000), 0);
		else
			put(MAGIC_AT, "\0\0\0\0\0\0\0\0", 8);
		assert_int_equal(trace_open(&t, path), -EPROTO);
		w = create();
		assert_int_equal(trace_number(w), 1);
		r = reader();
		position = 0;
		assert_int_equal(drain(r, &position, &lost), 0);
		trace_close(r);
		trace_close(w);
	}
}

/* Whatever is in the file, a reader comes to an end and stays in its bounds. */
static void a_hostile_file_is_survived(void **state)
{
	static const uint64_t counts[] = { 1,	       TRACE_RECORDS,
					   1ULL << 40, 1ULL << 63,
					   UINT64_MAX, UINT64_MAX - 1 };
	static unsigned char slots[TRACE_RECORDS * SLOT_SIZE];
	char line[DECISIONS_LINE_SIZE];
	struct trace_record got;
	struct trace *r;

	(void)state;
	srand(1);
	trace_close(create());
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t position = 0, lost, turn = 2 * (counts[i] - 1) + 2;

		for (size_t j = 0; j < sizeof(slots); j++)
			slots[j] = (unsigned char)rand();
		put(SLOTS_AT, slots, sizeof(slots));
		put(WRITTEN_AT, &counts[i], 8);
		put(SLOTS_AT + (off_t)((counts[i] - 1) % TRACE_RECORDS) *
				       SLOT_SIZE,
		    &turn, 8);
		r = reader();
		for (size_t j = 0; j < TRACE_RECORDS; j++) {
			if (!trace_read(&got, &lost, r, &position))
				break;
			assert_true(strlen(got.client) < TRACE_CLIENT_SIZE);
			decisions_print(r, &got, line);
			decisions_print_json(r, &got, line);
			assert_null(strchr(line, '\n'));
			assert_int_equal(line[strlen(line) - 1], '}');
		}
		trace_close(r);
	}
}

static void a_file_cut_under_its_reader_ends_the_reading(void **state)
{
	struct trace *w = create(), *r = reader();
	uint64_t position = 0, lost;
	struct trace_record got;

	(void)state;
	write_some(w, 3);
	trace_close(w);
	assert_true(trace_read(&got, &lost, r, &position));
	assert_int_equal(truncate(path, SLOTS_AT), 0);
	assert_false(trace_read(&got, &lost, r, &position));
	assert_int_equal(truncate(path, 0), 0);
	assert_false(trace_read(&got, &lost, r, &position));
	trace_close(r);
}

static void *write_each(void *arg)
{
	write_some(arg, EACH);
	return NULL;
}

/* Every record is read once or counted as lost, and none is torn. */
static void readers_and_writers_at_once(void **state)
{
	struct trace *w = create(), *r = reader();
	uint64_t position = 0, lost, n = 0, missed = 0;
	pthread_t threads[WRITERS];

	(void)state;
	n += drain(r, &position, &lost);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_each, w), 0);
	while (n + missed < WRITERS * EACH) {
		uint64_t read = drain(r, &position, &lost);

		n += read;
		missed += lost;
		if (!read && !lost)
			usleep(100);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(n + missed, WRITERS * EACH);
	assert_true(n > 0);
	assert_int_equal(trace_number(w), WRITERS * EACH + 1);
	trace_close(r);
	trace_close(w);
}

/* Between any two looks of a reader the writer may go round the whole ring. */
static void a_lapped_reader_is_told_the_truth(void **state)
{
	struct trace *w = create(), *r = reader();

	(void)state;
	write_some(w, TRACE_RECORDS);
	for (int k = 1; k <= 5; k++) {
		uint64_t position = 0, lost, number;
		struct trace_record got;

		assert_true(trace_read(&got, &lost, r, &position));
		number = got.number;
		lapping = w;
		lap_before = k;
		assert_true(trace_read(&got, &lost, r, &position));
		assert_int_equal(lap_before, k <= 4 ? 0 : 1);
		lap_before = 0;
		assert_int_equal(got.number, number + 1 + lost);
		assert_int_equal(got.number, position - 1);
	}
	trace_close(r);
	trace_close(w);
}

static void ids_are_of_their_ring(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "00000000",
					   "00000000-",
					   "00000000-0000002",
					   "0000000g-0000002a",
					   "00000000-0000002g",
					   "00000000_0000002a",
					   "00000000-0000002a0000000" };
	struct trace *w = create();
	char id[TRACE_ID_SIZE];
	uint64_t number = 7;

	(void)state;
	assert_int_equal(strlen(trace_print_id(w, 42, id)), 17);
	assert_string_equal(id + 8, "-0000002a");
	assert_int_equal(trace_parse_id(w, &number, id), 0);
	assert_int_equal(number, 42);
	trace_print_id(w, 0x123456789abcde, id);
	assert_int_equal(trace_parse_id(w, &number, id), 0);
	assert_true(number == 0x123456789abcde);
	id[0] = id[0] == '0' ? '1' : '0';
	assert_int_equal(trace_parse_id(w, &number, id), -ENOENT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(trace_parse_id(w, &number, bad[i]), -EINVAL);
	assert_true(number == 0x123456789abcde);
	trace_close(w);
}

static void lines_say_all_that_is_known(void **state)
{
	struct trace_record r = { .number = 42,
				  .time_ns = 1770120000500000000,
				  .key_id = 100,
				  .digest4 = { 0x3f, 0x2a, 0, 1 },
				  .status = 429,
				  .reason = PC_R_KEY_EXHAUSTED,
				  .dialect = 1,
				  .stale = 3,
				  .client = "2001:db8::7" };
	struct trace_record bare = { .number = 1, .status = 401 };
	char got[DECISIONS_LINE_SIZE], want[DECISIONS_LINE_SIZE];
	struct trace *w = create();
	char id[TRACE_ID_SIZE];

	(void)state;
	trace_print_id(w, 42, id);
	snprintf(want, sizeof(want),
		 "2026-02-03T12:00:00.5Z         %s key-exhausted          429 "
		 "key 100 3f2a0001 2001:db8::7 forward snapshot,ledger",
		 id);
	assert_string_equal(decisions_print(w, &r, got), want);
	snprintf(want, sizeof(want),
		 "{\"time\":\"2026-02-03T12:00:00.5Z\",\"id\":\"%s\","
		 "\"reason\":\"key-exhausted\",\"status\":429,\"key_id\":100,"
		 "\"key\":\"3f2a0001\",\"client\":\"2001:db8::7\","
		 "\"dialect\":\"forward\",\"stale\":\"snapshot,ledger\"}",
		 id);
	assert_string_equal(decisions_print_json(w, &r, got), want);
	assert_non_null(strstr(decisions_print(w, &bare, got),
			       " 401 key 0 - - nginx -"));
	trace_close(w);
}

static int fresh(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/decisions", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_in_order_and_once),
		TEST(what_was_overwritten_is_counted),
		TEST(a_reader_of_nothing_misses_what_follows),
		TEST(a_killed_writer_leaves_its_records),
		TEST(half_a_record_is_none),
		TEST(one_writer_at_a_time),
		TEST(only_rings_are_taken),
		TEST(the_file_is_the_owners_alone),
		TEST(a_ring_that_cannot_go_on_begins_anew),
		TEST(a_hostile_file_is_survived),
		TEST(a_file_cut_under_its_reader_ends_the_reading),
		TEST(readers_and_writers_at_once),
		TEST(a_lapped_reader_is_told_the_truth),
		TEST(ids_are_of_their_ring),
		TEST(lines_say_all_that_is_known),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
