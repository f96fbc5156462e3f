// SPDX-License-Identifier: GPL-2.0-only
#include "status.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "attach.h"
#include "clock.h"
#include "health.h"
#include "host.h"
#include "interfaces.h"
#include "living.h"
#include "log.h"
#include "maps.h"
#include "options.h"
#include "plane.h"
#include "text.h"
#include "timestamp.h"
#include "wanted.h"

#define NS_PER_S 1e9
#define NS_PER_MS 1e6
/* Silence after which an agent counts as gone: several ticks. */
#define SILENCE_NS 2000000000ULL
/* The service writes its report every second. */
#define SERVICE_SILENCE_S 4

/* Everything there is to show, read before the first line is printed. */
struct status {
	struct pc_policy policy;
	bool has_policy;
	struct pc_clock clock;
	size_t n_living;
	uint64_t boot_ns;
	struct attachment *attached;
	size_t n_attached;
	struct text_list wanted; /* listed interfaces without all filters */
	struct pc_count counts[PC_R_MAX];
	struct plane plane;
	struct health_report service;
	bool has_service;
};

/* Both at once is what a run leaves that was killed as it changed the mode. */
static const char *address_place(const struct attachment *t)
{
	static const char *const names[2][3] = {
		{ "none", "native", "generic" },
		{ "tc", "native+tc", "generic+tc" },
	};

	return names[t->address][t->xdp];
}

static int count_living(size_t *out, const char *pin_dir)
{
	struct living living;
	int rc = living_open(&living, pin_dir);

	if (rc)
		return rc;
	*out = living_count(&living);
	living_close(&living);
	return 0;
}

/* A service that was never here is no trouble. */
static void read_service(struct status *s, const char *trace)
{
	char *path = health_path(trace);
	int rc = path ? health_load(&s->service, path) : -ENOMEM;

	s->has_service = !rc;
	if (rc && rc != -ENOENT)
		log_line("%s: %s", trace, strerror(-rc));
	free(path);
}

static int status_read(struct status *s, const char *pin_dir)
{
	struct maps m;
	int rc = maps_open_pinned(&m, pin_dir);

	if (rc)
		return rc;
	rc = maps_read_policy(&m, &s->policy);
	s->has_policy = !rc;
	if (rc == -ENOENT)
		rc = 0;
	if (!rc)
		rc = maps_clock(&m, &s->clock);
	s->boot_ns = clock_boot_ns();
	for (int r = 0; r < PC_R_MAX && !rc; r++)
		rc = maps_count(&m, r, &s->counts[r]);
	if (!rc)
		rc = plane_read(&s->plane, &m, pin_dir, &s->policy);
	maps_close(&m);
	if (!rc)
		rc = count_living(&s->n_living, pin_dir);
	if (!rc)
		rc = wanted_list(&s->wanted, pin_dir);
	return rc ? rc : attach_list(&s->attached, &s->n_attached, pin_dir);
}

static bool agent_running(const struct status *s)
{
	return s->boot_ns - s->clock.heartbeat_ns < SILENCE_NS;
}

/* Seconds until key denies lapse; negative: they have. */
static double lease_left_s(const struct status *s)
{
	return (double)(int64_t)(s->clock.lease_ns - s->boot_ns) / NS_PER_S;
}

static const char *lease_print(char *buf, size_t size, const struct status *s)
{
	if (!s->clock.lease_ns)
		snprintf(buf, size, "none: key denies hold without an agent");
	else if (lease_left_s(s) > 0)
		snprintf(buf, size, "%.0f s", lease_left_s(s));
	else
		snprintf(buf, size, "LAPSED: keys are not denied");
	return buf;
}

/* A reason that is no denial has the action that all the others have. */
static uint8_t usual_deny(const struct pc_policy *p)
{
	return p->deny[PC_R_KEY_LIVE];
}

static void print_deny(const struct pc_policy *p)
{
	uint8_t usual = usual_deny(p);

	printf("deny        %s", deny_name(usual));
	for (int r = 0; r < PC_R_MAX; r++) {
		if (p->deny[r] != usual)
			printf(", %s:%s", deny_name(p->deny[r]),
			       reason_name(r));
	}
	printf("\n");
}

static void print_unknown(const struct pc_policy *p)
{
	char until[TIMESTAMP_STRLEN];

	if (!p->complete_until_ns)
		printf("unknown     pass\n");
	else if (p->complete_until_ns == PC_NEVER)
		printf("unknown     denied\n");
	else
		printf("unknown     denied until %s\n",
		       timestamp_print(p->complete_until_ns, until));
}

static void print_policy(const struct status *s)
{
	const struct pc_policy *p = &s->policy;
	char when[TIMESTAMP_STRLEN], lease[64];

	if (!s->has_policy) {
		printf("policy      none\n");
		return;
	}
	printf("policy      generation %llu, loaded %s\n",
	       (unsigned long long)p->generation,
	       timestamp_print(p->loaded_ns, when));
	printf("took        %.1f ms to read, %.1f ms to compile, "
	       "%.1f ms to put\n",
	       (double)p->read_ns / NS_PER_MS,
	       (double)p->compile_ns / NS_PER_MS,
	       (double)p->put_ns / NS_PER_MS);
	printf("source      %s\n", *p->source ? p->source : "(no snapshot)");
	printf("gateway     %s, %s%s\n", profile_name(p->profile),
	       p->run_mode == PC_RUN_SIMPLE ? "simple" : "standard",
	       p->monitor ? "; MONITOR: nothing is denied" : "");
	printf("keys        %llu, %u rule sets, %llu rule prefixes\n",
	       (unsigned long long)p->n_keys, p->n_rule_sets,
	       (unsigned long long)p->n_rule_prefixes);
	print_unknown(p);
	print_deny(p);
	printf("prefixes    %llu host-wide, judged on %s\n",
	       (unsigned long long)p->n_prefixes,
	       p->whole_host ? "every port" : "the gateway's ports");
	plane_print(&s->plane);
	printf("answered    %zu connections live on\n", s->n_living);
	printf("lease       %s\n", lease_print(lease, sizeof(lease), s));
}

static void print_agent(const struct status *s)
{
	if (!s->clock.heartbeat_ns)
		printf("agent       never seen\n");
	else if (agent_running(s))
		printf("agent       running, pid %llu\n",
		       (unsigned long long)s->clock.agent_pid);
	else
		printf("agent       not running, last seen %.0f s ago\n",
		       (double)(s->boot_ns - s->clock.heartbeat_ns) / NS_PER_S);
}

static double service_silent_s(const struct status *s)
{
	return (double)(clock_now_ns() - s->service.time_ns) / NS_PER_S;
}

static bool service_running(const struct status *s)
{
	return service_silent_s(s) < SERVICE_SILENCE_S;
}

static void print_service(const struct status *s)
{
	const struct health_report *h = &s->service;

	if (!s->has_service)
		printf("decisions   not served\n");
	else if (!service_running(s))
		printf("decisions   not served, last %.0f s ago%s%s\n",
		       service_silent_s(s), *h->why ? "; then " : "", h->why);
	else
		printf("decisions   %s%s, %lld keys, overshoot at most %.2f USD\n",
		       h->ready ? "ready" : "NOT READY: ", h->why,
		       (long long)h->keys, (double)h->overshoot_nusd / 1e9);
}

/* One direction alone is somebody's doing, and worth a word. */
static const char *request_state(const struct attachment *t)
{
	if (t->request)
		return t->reply ? "judged" : "judged, answers unheard";
	return t->reply ? "answers translated only" : "-";
}

static bool is_here(const char *interface)
{
	return if_nametoindex(interface) > 0;
}

static void print_attached(const struct status *s)
{
	printf("\n%-16s %-8s %s\n", "interface", "xdp", "requests");
	for (size_t i = 0; i < s->n_attached; i++)
		printf("%-16s %-8s %s\n", s->attached[i].name,
		       address_place(&s->attached[i]),
		       request_state(&s->attached[i]));
	for (size_t i = 0; i < s->wanted.n; i++)
		printf("%-16s %s\n", s->wanted.items[i],
		       is_here(s->wanted.items[i])
			       ? "NOT FILTERED as told: see the agent's log"
			       : "GONE: filtered again when it is back");
	if (!s->n_attached && !s->wanted.n)
		printf("(none in this network namespace)\n");
}

static void print_counts(const struct status *s)
{
	static const char *const did[] = { "passed", "dropped", "denied",
					   "answered" };

	printf("\n%-22s %-10s %12s %12s\n", "reason", "", "packets",
	       s->policy.monitor ? "would have" : "");
	for (int r = 0; r < PC_R_MAX; r++) {
		const struct pc_count *n = &s->counts[r];

		if (!n->done && !n->would)
			continue;
		printf("%-22s %-10s %12llu", reason_name(r),
		       did[reason_class(r)], (unsigned long long)n->done);
		if (n->would)
			printf(" %12llu", (unsigned long long)n->would);
		printf("\n");
	}
}

static bool is_attached(const struct status *s, int ifindex)
{
	for (size_t i = 0; i < s->n_attached; i++) {
		if (s->attached[i].ifindex == ifindex)
			return true;
	}
	return false;
}

static json_t *json_attached(const struct status *s, const struct attachment *t)
{
	bool lacks = interfaces_listed(&s->wanted, t->ifindex);

	return json_pack("{s:o, s:s, s:b, s:b, s:s}", "name",
			 text_json(t->name), "xdp", address_place(t), "request",
			 (int)t->request, "reply", (int)t->reply, "state",
			 lacks ? "refused" : "filtered");
}

/* Attached ones, and listed ones where nothing is attached. */
static json_t *json_interfaces(const struct status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_attached; i++)
		json_array_append_new(list, json_attached(s, &s->attached[i]));
	for (size_t i = 0; i < s->wanted.n; i++) {
		const char *name = s->wanted.items[i];

		if (is_attached(s, (int)if_nametoindex(name)))
			continue;
		json_array_append_new(
			list, json_pack("{s:o, s:s, s:b, s:b, s:s}", "name",
					text_json(name), "xdp", "none",
					"request", 0, "reply", 0, "state",
					is_here(name) ? "refused" : "gone"));
	}
	return list;
}

/* Every denial's action. */
static json_t *json_deny(const struct status *s)
{
	json_t *map = json_object();

	for (int r = 0; r < PC_R_MAX; r++) {
		if (reason_class(r) == PC_CLASS_DENY)
			json_object_set_new(
				map, reason_name(r),
				json_string(deny_name(s->policy.deny[r])));
	}
	return map;
}

static json_t *json_counts(const struct status *s)
{
	json_t *map = json_object();

	for (int r = 0; r < PC_R_MAX; r++)
		json_object_set_new(map, reason_name(r),
				    json_pack("{s:I, s:I}", "done",
					      (json_int_t)s->counts[r].done,
					      "would",
					      (json_int_t)s->counts[r].would));
	return map;
}

static json_t *json_agent(const struct status *s)
{
	json_t *agent = json_pack("{s:b, s:I}", "running", agent_running(s),
				  "pid", (json_int_t)s->clock.agent_pid);

	if (s->clock.lease_ns)
		json_object_set_new(agent, "lease_s",
				    json_real(lease_left_s(s)));
	return agent;
}

static json_t *json_service(const struct status *s)
{
	const struct health_report *h = &s->service;

	if (!s->has_service)
		return json_null();
	return json_pack("{s:b, s:b, s:s, s:I, s:I, s:I}", "running",
			 service_running(s), "ready",
			 h->ready && service_running(s), "why", h->why, "pid",
			 (json_int_t)h->pid, "keys", (json_int_t)h->keys,
			 "overshoot_nusd", (json_int_t)h->overshoot_nusd);
}

static json_t *json_took(const struct pc_policy *p)
{
	return json_pack("{s:f, s:f, s:f}", "read",
			 (double)p->read_ns / NS_PER_MS, "compile",
			 (double)p->compile_ns / NS_PER_MS, "put",
			 (double)p->put_ns / NS_PER_MS);
}

static int dump(json_t *root)
{
	int rc = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;

	json_decref(root);
	printf("\n");
	return rc ? -ENOMEM : 0;
}

static int print_json(const struct status *s)
{
	const struct pc_policy *p = &s->policy;
	char when[TIMESTAMP_STRLEN];
	json_t *root = json_pack(
		"{s:b, s:I, s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"installed", 1, "generation", (json_int_t)p->generation,
		"loaded", timestamp_print(p->loaded_ns, when), "source",
		p->source, "profile", profile_name(p->profile), "run_mode",
		p->run_mode == PC_RUN_SIMPLE ? "simple" : "standard", "monitor",
		(int)p->monitor, "xdp_scope",
		p->whole_host ? "host" : "gateway", "keys",
		(json_int_t)p->n_keys, "prefixes", (json_int_t)p->n_prefixes,
		"complete_until_ns", (json_int_t)p->complete_until_ns, "living",
		(json_int_t)s->n_living, "deny", json_deny(s), "agent",
		json_agent(s), "interfaces", json_interfaces(s), "counters",
		json_counts(s), "service", json_service(s), "took_ms",
		json_took(p));
	json_t *plane = plane_json(&s->plane);

	if (root && (!plane || json_object_update(root, plane)))
		json_decref(root), root = NULL;
	json_decref(plane);
	return dump(root);
}

static int show(const struct status *s, bool json)
{
	int rc = 0;

	if (json) {
		rc = print_json(s);
	} else {
		print_policy(s);
		print_agent(s);
		print_service(s);
		print_attached(s);
		print_counts(s);
		plane_print_lists(&s->plane);
	}
	return !rc && (fflush(stdout) || ferror(stdout)) ? -EIO : rc;
}

/* What there is to say of a host whose filter cannot be read: rc says why. */
static int show_service(const struct status *s, const struct options *opt,
			int rc)
{
	bool absent = rc == -ENOENT;
	bool served = s->has_service && service_running(s);

	if (opt->json)
		dump(json_pack("{s:o, s:o}", "installed",
			       absent ? json_false() : json_null(), "service",
			       json_service(s)));
	else if (served && absent)
		printf("filter      not installed\n");
	if (!opt->json && s->has_service)
		print_service(s);
	if (served && absent)
		return fflush(stdout) || ferror(stdout) ? -EIO : 0;
	if (absent)
		log_line("no filter is installed at %s", opt->pin_dir);
	else
		log_line("%s: %s", opt->pin_dir, strerror(-rc));
	return rc;
}

int status_main(int argc, char **argv)
{
	struct options opt;
	static struct status s;
	int rc = options_parse(&opt, argc, argv, OPTIONS_STATUS);

	if (rc)
		return rc < 0 ? 2 : 0;
	read_service(&s, opt.trace);
	rc = host_check();
	if (!rc)
		rc = status_read(&s, opt.pin_dir);
	if (rc)
		rc = show_service(&s, &opt, rc);
	else
		rc = show(&s, opt.json);
	free(s.attached);
	value_free_texts(&s.wanted);
	options_fini(&opt);
	return rc ? 1 : 0;
}
