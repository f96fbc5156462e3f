// SPDX-License-Identifier: GPL-2.0-only
#include "wanted.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pins.h"

/* The names of pins have no dots: what else there is in one is written "=2e".
 */
static int path_of(char path[static PINS_PATH_SIZE], const char *pin_dir,
		   const char *interface)
{
	unsigned long long ns = pins_namespace();
	int at;

	if (!ns)
		return -errno;
	at = snprintf(path, PINS_PATH_SIZE, "%s/" PINS_WANT_PREFIX "%llu_",
		      pin_dir, ns);
	for (; *interface && at < PINS_PATH_SIZE - 3; interface++)
		at += snprintf(path + at, (size_t)(PINS_PATH_SIZE - at),
			       isalnum((unsigned char)*interface) ? "%c"
								  : "=%02x",
			       (unsigned char)*interface);
	return *interface ? -ENAMETOOLONG : 0;
}

int wanted_add(const char *pin_dir, const char *interface)
{
	char path[PINS_PATH_SIZE];
	int rc = path_of(path, pin_dir, interface);

	return rc ? rc : pins_repeat(pin_dir, path);
}

int wanted_remove(const char *pin_dir, const char *interface)
{
	char path[PINS_PATH_SIZE];
	int rc = path_of(path, pin_dir, interface);

	if (!rc && unlink(path) && errno != ENOENT)
		rc = -errno;
	return rc;
}

/* What path_of() wrote, in place. */
static void read_name(char *text)
{
	char *to = text;
	unsigned int c;

	for (; *text; to++) {
		if (*text == '=' && sscanf(text, "=%2x", &c) == 1) {
			*to = (char)c;
			text += 3;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

int wanted_list(struct text_list *out, const char *pin_dir)
{
	unsigned long long ns = pins_namespace(), of;
	DIR *dir = opendir(pin_dir);
	struct dirent *e;
	int rc = 0, at;

	if (!dir)
		return -errno;
	while (!rc && (e = readdir(dir))) {
		at = 0;
		if (sscanf(e->d_name, PINS_WANT_PREFIX "%llu_%n", &of, &at) !=
			    1 ||
		    !at || of != ns)
			continue;
		read_name(e->d_name + at);
		rc = value_add_text(out, e->d_name + at);
	}
	closedir(dir);
	return rc;
}

int wanted_remove_all(const char *pin_dir)
{
	struct text_list names = { NULL, 0 };
	int rc = wanted_list(&names, pin_dir);

	for (size_t i = 0; i < names.n && !rc; i++)
		rc = wanted_remove(pin_dir, names.items[i]);
	value_free_texts(&names);
	return rc;
}
