// SPDX-License-Identifier: GPL-2.0-only
/*
 *   load ADDRESS PORT REQUEST-FILE RATE CONNECTIONS SECONDS
 *
 * Sends one request over and over, RATE times a second whether or not answers
 * come, as clients do that do not know of each other.  Request k is due at
 * k / RATE and its latency counts from then, so a server that stalls is charged
 * with everybody who waits.  A request that has no answer TIMEOUT_NS after it
 * was due has failed.  Connections are kept as long as the server keeps them.
 *
 * Prints one line: GOOD REFUSED FAILED P50-us P99-us, the percentiles those of
 * good answers (2xx).  IPv4; understands answers with a Content-Length only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll
#define TIMEOUT_NS NS_PER_S
#define SWEEP_NS (NS_PER_S / 10)
#define ANSWER_SIZE 2048
#define REQUEST_SIZE 8192
#define EVENTS 256

struct connection {
	int fd; /* -1: none */
	bool busy;
	bool sent;
	int64_t due_ns;
	size_t filled;
	char answer[ANSWER_SIZE + 1];
};

static struct {
	struct sockaddr_in to;
	char request[REQUEST_SIZE];
	size_t request_size;
	int64_t rate;
	size_t n;
	struct connection *all;
	size_t *idle; /* a stack of indices */
	size_t n_idle;
	int epoll;
	int64_t begin_ns;
	int64_t end_ns;
	int64_t next; /* the first request not sent yet */
	uint64_t good, refused, failed;
	uint32_t *latency_us;
} load;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t due_ns(int64_t k)
{
	return load.begin_ns + k * NS_PER_S / load.rate;
}

static void disconnect(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* The request is over, one way or another. */
static void release(struct connection *c)
{
	c->busy = false;
	load.idle[load.n_idle++] = (size_t)(c - load.all);
}

static void fail(struct connection *c)
{
	load.failed++;
	disconnect(c);
	release(c);
}

static void open_connection(struct connection *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
				 .data.ptr = c };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket");
	/* Errors come with the first event. */
	if (connect(c->fd, (struct sockaddr *)&load.to, sizeof(load.to)) &&
	    errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll_ctl");
}

/* A head is far smaller than any socket buffer: all of it goes or nothing. */
static void send_request(struct connection *c)
{
	ssize_t n = send(c->fd, load.request, load.request_size, MSG_NOSIGNAL);

	if (n == (ssize_t)load.request_size)
		c->sent = true;
	else if (n >= 0 || errno != EAGAIN)
		fail(c);
}

static void begin_request(struct connection *c, int64_t due)
{
	c->busy = true;
	c->sent = false;
	c->due_ns = due;
	c->filled = 0;
	if (c->fd < 0)
		open_connection(c);
	else
		send_request(c);
}

static void send_due(int64_t now)
{
	for (; due_ns(load.next) <= now && due_ns(load.next) < load.end_ns;
	     load.next++) {
		int64_t due = due_ns(load.next);

		if (now - due > TIMEOUT_NS)
			load.failed++;
		else if (load.n_idle)
			begin_request(&load.all[load.idle[--load.n_idle]], due);
		else
			return;
	}
}

/* The whole answer's size once its head is there, or 0. */
static size_t answer_size(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");
	const char *length = strcasestr(answer, "\r\nContent-Length:");

	if (!end || !length || length > end)
		return 0;
	return (size_t)(end + 4 - answer) +
	       strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static void finish_request(struct connection *c)
{
	if (c->answer[strlen("HTTP/1.1 ")] == '2')
		load.latency_us[load.good++] =
			(uint32_t)((now_ns() - c->due_ns) / 1000);
	else
		load.refused++;
	if (strcasestr(c->answer, "\r\nConnection: close"))
		disconnect(c);
	release(c);
}

/* What there is to read; false when the connection is at its end. */
static bool read_answer(struct connection *c)
{
	ssize_t n;

	while ((n = recv(c->fd, c->answer + c->filled, ANSWER_SIZE - c->filled,
			 0)) > 0)
		c->filled += (size_t)n;
	c->answer[c->filled] = '\0';
	return n < 0 && errno == EAGAIN;
}

static void on_event(struct connection *c)
{
	bool alive;
	size_t size;

	if (c->fd < 0)
		return;
	if (!c->busy)
		c->filled = 0;
	alive = read_answer(c);
	size = c->busy && c->sent ? answer_size(c->answer) : 0;
	if (size && c->filled >= size)
		finish_request(c);
	else if (!alive && c->busy)
		fail(c);
	else if (c->busy && !c->sent)
		send_request(c);
	if (!alive)
		disconnect(c);
}

static void sweep(int64_t now)
{
	static int64_t last;

	if (now - last < SWEEP_NS)
		return;
	last = now;
	for (size_t i = 0; i < load.n; i++) {
		if (load.all[i].busy && now - load.all[i].due_ns > TIMEOUT_NS)
			fail(&load.all[i]);
	}
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	int64_t now;

	load.begin_ns = now_ns();
	load.end_ns += load.begin_ns;
	while ((now = now_ns()) < load.end_ns || load.n_idle < load.n) {
		int n;

		send_due(now);
		sweep(now);
		n = epoll_wait(load.epoll, events, EVENTS, 1);
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
	}
	for (; due_ns(load.next) < load.end_ns; load.next++)
		load.failed++;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint32_t percentile(unsigned int p)
{
	return load.good ? load.latency_us[load.good * p / 100] : 0;
}

static void prepare(char **argv)
{
	int fd = open(argv[3], O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, load.request, REQUEST_SIZE);

	if (n <= 0)
		die(argv[3]);
	close(fd);
	load.request_size = (size_t)n;
	load.to.sin_family = AF_INET;
	load.to.sin_port = htons((uint16_t)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &load.to.sin_addr) != 1)
		die(argv[1]);
	load.rate = atoll(argv[4]);
	load.n = (size_t)atoll(argv[5]);
	load.end_ns = (int64_t)(atof(argv[6]) * NS_PER_S);
	load.all = calloc(load.n, sizeof(*load.all));
	load.idle = calloc(load.n, sizeof(*load.idle));
	load.latency_us =
		calloc((size_t)(load.rate * (load.end_ns / NS_PER_S + 1) + 1),
		       sizeof(*load.latency_us));
	load.epoll = epoll_create1(0);
	if (!load.all || !load.idle || !load.latency_us || load.epoll < 0)
		die("out of memory");
	for (size_t i = 0; i < load.n; i++) {
		load.all[i].fd = -1;
		load.idle[load.n_idle++] = i;
	}
}

int main(int argc, char **argv)
{
	if (argc != 7 || atoll(argv[4]) <= 0 || atoll(argv[5]) <= 0) {
		fprintf(stderr, "usage: load ADDRESS PORT REQUEST-FILE RATE "
				"CONNECTIONS SECONDS\n");
		return 2;
	}
	/* A flood must not outlive the script that started it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prepare(argv);
	run();
	qsort(load.latency_us, load.good, sizeof(*load.latency_us), compare);
	printf("%llu %llu %llu %u %u\n", (unsigned long long)load.good,
	       (unsigned long long)load.refused,
	       (unsigned long long)load.failed, percentile(50), percentile(99));
	return 0;
}
