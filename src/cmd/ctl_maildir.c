/*
 * Maildirs: flags in names of files, keywords, and the folders of Maildir++.
 *
 * Failures: what cannot be read is as if it were not there; the walk through
 * the messages, which meets it too, tells.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cmd/ctl_letter.h"

static char *join(const char *folder, const char *name)
{
	struct buf path = { 0 };
	char *joined;

	buf_printf(&path, "%s/%s", folder, name);
	joined = mem_dup(buf_cstr(&path), path.len);
	buf_fini(&path);
	return joined;
}

/* ---- keywords ---- */

/* What IMAP allows for a keyword (an atom, RFC 9051 section 9). */
static bool is_keyword(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f ||
		    strchr("(){%*\"\\]", name.data[i]))
			return false;
	return name.len > 0;
}

/* "3 $Junk" */
static void keyword_line(struct maildir_keywords *keywords, struct slice line)
{
	struct slice number = slice_cut(&line, ' ');
	struct slice name = slice_trim(line);
	uint64_t at;

	if (!slice_to_u64(number, MAILDIR_KEYWORDS - 1, &at) ||
	    !is_keyword(name) || keywords->names[at])
		return;
	keywords->names[at] = mem_dup(name.data, name.len);
}

void maildir_keywords_read(const char *folder,
			   struct maildir_keywords *keywords_r)
{
	char *path = join(folder, "dovecot-keywords");
	FILE *file = fopen(path, "re");
	char line[512];

	*keywords_r = (struct maildir_keywords){ 0 };
	mem_free(path);
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		keyword_line(keywords_r, slice_str(line));
	fclose(file);
}

void maildir_keywords_fini(struct maildir_keywords *keywords)
{
	for (size_t i = 0; i < MAILDIR_KEYWORDS; i++)
		mem_free(keywords->names[i]);
	*keywords = (struct maildir_keywords){ 0 };
}

/* ---- flags ---- */

static const char *flag_of(char letter, const struct maildir_keywords *keywords)
{
	switch (letter) {
	case 'D':
		return "\\Draft";
	case 'F':
		return "\\Flagged";
	case 'P':
		return "$Forwarded";
	case 'R':
		return "\\Answered";
	case 'S':
		return "\\Seen";
	case 'T':
		return "\\Deleted";
	default:
		break;
	}
	if (letter >= 'a' && letter <= 'z')
		return keywords->names[letter - 'a'];
	return NULL;
}

json_t *maildir_flags(const char *path, const struct maildir_keywords *keywords)
{
	const char *slash = strrchr(path, '/');
	const char *info = strstr(slash ? slash : path, ":2,");
	json_t *flags = json_array();

	for (const char *at = info ? info + 3 : ""; *at; at++) {
		const char *flag = flag_of(*at, keywords);

		if (flag)
			json_array_append_new(flags, json_string(flag));
	}
	return flags;
}

/* ---- folders ---- */

bool maildir_is(const char *folder)
{
	char *path = join(folder, "cur");
	struct stat st;
	bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	mem_free(path);
	return is;
}

static bool is_folder(const char *maildir, const char *name)
{
	char *path;
	bool is;

	if (name[0] != '.' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	path = join(maildir, name);
	is = maildir_is(path);
	mem_free(path);
	return is;
}

static int by_name(const void *a, const void *b)
{
	const char *const *left = a;
	const char *const *right = b;

	return strcmp(*left, *right);
}

void maildir_folders_read(const char *maildir,
			  struct maildir_folders *folders_r)
{
	DIR *dir = opendir(maildir);
	const struct dirent *entry;

	*folders_r = (struct maildir_folders){ 0 };
	while (dir && (entry = readdir(dir))) {
		if (!is_folder(maildir, entry->d_name))
			continue;
		folders_r->names = mem_realloc(
			folders_r->names,
			(folders_r->count + 1) * sizeof(*folders_r->names));
		folders_r->names[folders_r->count++] =
			mem_dup(entry->d_name, strlen(entry->d_name));
	}
	if (dir)
		closedir(dir);
	if (folders_r->count)
		qsort(folders_r->names, folders_r->count,
		      sizeof(*folders_r->names), by_name);
}

void maildir_folders_fini(struct maildir_folders *folders)
{
	for (size_t i = 0; i < folders->count; i++)
		mem_free(folders->names[i]);
	mem_free(folders->names);
	*folders = (struct maildir_folders){ 0 };
}
