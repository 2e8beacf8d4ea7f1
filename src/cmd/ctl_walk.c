/*
 * Paths to messages (ctl_walk.h): files are mapped, tars are read entry by
 * entry. A file that cannot be read is named and counted, and the rest goes on.
 */
#include "cmd/ctl_walk.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define TAR_ENTRY_MAX (1024ull * 1024 * 1024) /* octets; a guard, no limit */

/* ---- files ---- */

struct mapping {
	struct slice octets;
	time_t modified;
};

static bool map_file(struct letter_walk *walk, const char *path,
		     struct mapping *map)
{
	struct stat st;
	void *data = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (st.st_size > 0)
			data = mmap(NULL, (size_t)st.st_size, PROT_READ,
				    MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			map->octets = slice_of(data, (size_t)st.st_size);
			map->modified = st.st_mtime;
			close(fd);
			return true;
		}
	}
	fprintf(stderr, "murderctl: %s: %s\n", path, strerror(errno));
	walk->failed++;
	if (fd >= 0)
		close(fd);
	return false;
}

static void unmap(const struct mapping *map)
{
	if (map->octets.len)
		munmap((void *)(uintptr_t)map->octets.data, map->octets.len);
}

/* The keywords' file is read once for each folder. */
static json_t *flags_of(struct letter_walk *walk, const char *path)
{
	struct slice folder = slice_str(path);

	/* two up: from .../cur/file */
	for (unsigned i = 0; i < 2; i++)
		while (folder.len && folder.data[--folder.len] != '/')
			;
	if (!walk->keywords_of ||
	    !slice_eq(slice_str(walk->keywords_of), folder)) {
		mem_free(walk->keywords_of);
		maildir_keywords_fini(&walk->keywords);
		walk->keywords_of = mem_dup(folder.data, folder.len);
		maildir_keywords_read(walk->keywords_of, &walk->keywords);
	}
	return maildir_flags(path, &walk->keywords);
}

static bool walk_message(struct letter_walk *walk, const char *path)
{
	struct mapping map = { 0 };
	struct letter letter;
	bool ok;

	if (!map_file(walk, path, &map))
		return true;
	letter = (struct letter){ map.octets, flags_of(walk, path),
				  map.modified };
	if (map.octets.len == 0)
		fprintf(stderr, "murderctl: %s: empty, not imported\n", path);
	ok = walk->each(walk->arg, &letter);
	unmap(&map);
	return ok;
}

/* ---- mbox ---- */

static bool walk_mbox(struct letter_walk *walk, const char *path)
{
	struct mapping map = { 0 };
	struct buf text = { 0 };
	struct slice rest;
	bool ok = true;

	if (!map_file(walk, path, &map))
		return true;
	rest = map.octets;
	if (rest.len && !mbox_is_from_line(rest)) {
		fprintf(stderr, "murderctl: %s: not an mbox\n", path);
		walk->failed++;
		rest = SLICE_NONE;
	}
	while (ok && rest.len) {
		struct letter letter = mbox_take(&rest, &text);

		ok = walk->each(walk->arg, &letter);
	}
	buf_fini(&text);
	unmap(&map);
	return ok;
}

/* ---- tar ---- */

static bool read_entry(struct archive *archive, struct archive_entry *entry,
		       struct buf *out)
{
	int64_t size = archive_entry_size(entry);
	la_ssize_t got = 0;

	if (size < 0 || (uint64_t)size > TAR_ENTRY_MAX)
		return false;
	buf_clear(out);
	got = archive_read_data(archive, buf_reserve(out, (size_t)size),
				(size_t)size);
	if (got != size)
		return false;
	out->len = (size_t)got;
	return true;
}

static bool walk_member(struct letter_walk *walk, struct archive *archive,
			struct archive_entry *entry, struct buf *text)
{
	static const struct maildir_keywords none;
	const char *name = archive_entry_pathname(entry);
	struct letter letter;

	if (archive_entry_filetype(entry) != AE_IFREG)
		return true;
	if (!read_entry(archive, entry, text)) {
		fprintf(stderr, "murderctl: %s: cannot be read\n",
			name ? name : "?");
		walk->failed++;
		return true;
	}
	letter = (struct letter){ buf_slice(text),
				  maildir_flags(name ? name : "", &none),
				  archive_entry_mtime(entry) };
	return walk->each(walk->arg, &letter);
}

static bool walk_tar(struct letter_walk *walk, const char *path)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	struct buf text = { 0 };
	bool ok = true;
	int rc;

	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	rc = archive_read_open_filename(archive, path, 65536);
	while (rc == ARCHIVE_OK && ok &&
	       (rc = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		ok = walk_member(walk, archive, entry, &text);
	if (ok && rc != ARCHIVE_EOF) {
		fprintf(stderr, "murderctl: %s: %s\n", path,
			archive_error_string(archive));
		walk->failed++;
	}
	archive_read_free(archive);
	buf_fini(&text);
	return ok;
}

/* ---- walking ---- */

static bool is_tar(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *end = slash ? slash : path;

	while ((end = strstr(end, ".tar"))) {
		end += 4;
		if (*end == '\0' || *end == '.')
			return true;
	}
	return false;
}

static bool walk_file(struct letter_walk *walk, const char *path)
{
	enum ctl_format format = walk->format;

	if (format == CTL_FORMAT_AUTO)
		format = is_tar(path) ? CTL_FORMAT_TAR : CTL_FORMAT_MESSAGE;
	switch (format) {
	case CTL_FORMAT_MBOX:
		return walk_mbox(walk, path);
	case CTL_FORMAT_TAR:
		return walk_tar(walk, path);
	case CTL_FORMAT_AUTO:
	case CTL_FORMAT_MESSAGE:
	case CTL_FORMAT_MAILDIR:
		break;
	}
	return walk_message(walk, path);
}

bool letter_walk_knows_maildirs(const struct letter_walk *walk)
{
	return walk->format == CTL_FORMAT_AUTO ||
	       walk->format == CTL_FORMAT_MAILDIR;
}

/* fts has one buffer for all paths: that of the parent is not to be had. */
static bool stands_in_maildir(const FTSENT *entry)
{
	size_t len = entry->fts_pathlen - entry->fts_namelen;
	char *parent = mem_dup(entry->fts_path, len);
	bool is = maildir_is(parent);

	mem_free(parent);
	return is;
}

/*
 * Of a Maildir that was named only cur and new are read. Its folders are
 * imports of their own, or left out; beside them stand indexes and scripts. A
 * Maildir of another layout is told: to flatten it would be a surprise.
 */
static bool is_left_out(struct letter_walk *walk, const FTSENT *entry)
{
	if (entry->fts_level != FTS_ROOTLEVEL + 1 ||
	    !letter_walk_knows_maildirs(walk) || !stands_in_maildir(entry) ||
	    strcmp(entry->fts_name, "cur") == 0 ||
	    strcmp(entry->fts_name, "new") == 0)
		return false;
	if (walk->each && entry->fts_name[0] != '.' &&
	    maildir_is(entry->fts_accpath)) {
		fprintf(stderr,
			"murderctl: %s: left out, as it is no folder of a "
			"Maildir++: import it by itself\n",
			entry->fts_path);
		walk->failed++;
	}
	return true;
}

/* In a Maildir only cur and new hold messages. */
static bool is_wanted(const struct letter_walk *walk, const FTSENT *entry)
{
	const char *parent = entry->fts_parent->fts_name;

	if (entry->fts_level == FTS_ROOTLEVEL ||
	    !letter_walk_knows_maildirs(walk))
		return true;
	if (strcmp(parent, "cur") == 0 || strcmp(parent, "new") == 0)
		return true;
	if (strcmp(parent, "tmp") == 0)
		return false;
	/* Beside cur and new stand files that are none. */
	return !stands_in_maildir(entry);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool walk_entry(struct letter_walk *walk, FTS *fts, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (is_left_out(walk, entry))
			fts_set(fts, entry, FTS_SKIP);
		return true;
	case FTS_F:
		if (!is_wanted(walk, entry))
			return true;
		walk->octets += (uint64_t)entry->fts_statp->st_size;
		return !walk->each || walk_file(walk, entry->fts_accpath);
	case FTS_NS:
	case FTS_DNR:
	case FTS_ERR:
		if (!walk->each)
			return true;
		fprintf(stderr, "murderctl: %s: %s\n", entry->fts_path,
			strerror(entry->fts_errno));
		walk->failed++;
		return true;
	default:
		return true;
	}
}

bool letter_walk_path(struct letter_walk *walk, char *path)
{
	char *const paths[] = { path, NULL };
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	bool ok = true;

	while (ok && fts && (entry = fts_read(fts)))
		ok = walk_entry(walk, fts, entry);
	if (fts)
		fts_close(fts);
	return ok;
}

void letter_walk_fini(struct letter_walk *walk)
{
	mem_free(walk->keywords_of);
	maildir_keywords_fini(&walk->keywords);
}
