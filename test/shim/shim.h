/*
 * faultshim.so: a disk that can lose power, for any program (LD_PRELOAD).
 *
 *     LD_PRELOAD=faultshim.so MURDER_SHIM_DIR=/data murderd ...
 *     kill -9 murderd
 *     powercut.py --mode tear --seed 7 /data
 *
 * For files below MURDER_SHIM_DIR it keeps a journal of everything that is not
 * yet durable: what a write goes over, where a file ended, which names were
 * made, renamed and removed. fsync and fdatasync of a file make durable what
 * was written to it before they began, fsync of a directory the names in it,
 * and nothing else does: no rename, no close, no sync of another file. After a
 * kill, powercut.py takes back what was not durable: all of it, or each sector
 * and name by chance.
 *
 *     MURDER_SHIM_DIR   the directory; without it the shim does nothing
 *     MURDER_SHIM_UNDO  the journal, a directory on the same file system;
 *                       default: MURDER_SHIM_DIR with ".undo" behind it
 *     MURDER_SHIM_SYNC  "none": syncs are noted, but the disk is not asked
 *     MURDER_SHIM_FAIL  faults by count (rules.c)
 *
 * The journal stays over restarts: what one process left unsynced another can
 * still lose. It is made of
 *
 *     data/INODE       records of a file, see struct undo_head
 *     names/SEQ        one operation on names, a line of text (names.c)
 *     names/SEQ.old    the file that it removed or replaced
 *     counts           two numbers for each rule: calls seen, faults done
 *
 * What the shim cannot follow must not pass as durable: shared mappings that
 * can be written to (but for MAPPED_NAME), sendfile, links, renames across
 * directories and their like end the process with SHIM_STATUS. stdio opens
 * files inside of the C library and is not seen; io_uring is not either.
 *
 * The calls below the interposed functions are system calls and no functions
 * of the C library: so they work before anything is set up, and under a
 * sanitizer that stands in front (LD_PRELOAD="libasan.so faultshim.so").
 */
#ifndef TEST_SHIM_SHIM_H
#define TEST_SHIM_SHIM_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#define SHIM_STATUS 99 /* of a process that the shim ended */

/* LMDB's table of readers: means nothing after a start. */
#define MAPPED_NAME "lock.mdb"

#define UNDO_MAGIC 0x6f646e75u /* "undo" in the file */

enum undo_kind {
	UNDO_WRITE = 1, /* octets [at, at + len) are about to change */
	UNDO_SHRINK,    /* the same, and the file is cut at `at` */
	UNDO_SYNC,      /* records [at, at + len) of this journal are durable */
	UNDO_LOST,      /* a sync failed: no later one makes these durable */
};

/* Records of data/INODE: a head and, unless `zero`, `len` old octets. */
struct undo_head {
	uint32_t magic;
	uint8_t kind; /* enum undo_kind */
	uint8_t zero; /* the old octets were all zero, or behind the end */
	uint16_t unused;
	uint64_t at;
	uint64_t len;
	uint64_t size; /* of the file before */
};

/* One inode below the directory. Made at its first open, never freed. */
struct shim_file {
	struct shim_file *next; /* of the same hash */
	uint64_t ino;
	bool is_dir;
	pthread_mutex_t lock; /* what follows; held over each write */
	char path[PATH_MAX];  /* below the directory; for patterns */
	int undo_fd;          /* -1: not opened yet */
	uint64_t undo_len;
	uint64_t epoch; /* how often the journal was emptied */
	bool lost;      /* the journal holds UNDO_LOST */
	int read_fd;    /* for descriptors that cannot read; or -1 */
	uint8_t *chunk; /* scratch of UNDO_CHUNK octets */
};

/* ---- faultshim.c: settings ---- */

/* Whether MURDER_SHIM_DIR is set; reads the settings at the first call. */
bool shim_is_on(void);

/* A path in the journal; `out_r` has PATH_MAX octets. */
void shim_undo_path(const char *folder, const char *name, char *out_r);

/*
 * The absolute path of `path` seen from `dirfd`, its directory resolved, and
 * where the part below MURDER_SHIM_DIR begins in it; 0 if it is elsewhere.
 * `full_r` has PATH_MAX octets.
 */
size_t shim_below(int dirfd, const char *path, char *full_r);

/* fsync, or what MURDER_SHIM_SYNC says. */
int shim_real_sync(int fd, long number);

/* Says why on standard error and ends the process. */
__attribute__((noreturn, format(printf, 1, 2))) void shim_die(const char *why,
							      ...);

/* ---- files.c: descriptors and inodes ---- */

/* The file behind a descriptor, or NULL; `flags_r` are those of its open. */
struct shim_file *file_find(int fd, int *flags_r);

/* Notes that `fd` is an open file below the directory. */
struct shim_file *file_track(int fd, const char *path, int flags);

/* The descriptor is about to be closed. */
void file_forget(int fd);

/* The inode, if one was ever opened. */
struct shim_file *file_by_ino(uint64_t ino);

void file_set_path(struct shim_file *file, const char *path);

/* ---- undo.c: what files held. All but reset want the file's lock. ---- */

/* Keeps [at, at + len) of a file of `size` octets before it is written to. */
void undo_keep(struct shim_file *file, int fd, int flags, enum undo_kind kind,
	       uint64_t at, uint64_t len, uint64_t size);

/* The length of the journal: all records below are older than this call. */
uint64_t undo_mark(struct shim_file *file);

/* Records [from, upto), noted in `epoch`, have become durable. */
void undo_synced(struct shim_file *file, uint64_t epoch, uint64_t from,
		 uint64_t upto);

/* A sync has failed: what was not durable at this moment never will be. */
void undo_lost(struct shim_file *file);

/* A new file has this inode: what the journal says of it is void. */
void undo_reset(uint64_t ino);

/* ---- names.c: what directories held ---- */

/* Absolute paths; `below` is where the part below the directory begins. */
int names_create(const char *full, size_t below, int flags, mode_t mode);
int names_mkdir(const char *full, mode_t mode);
int names_unlink(const char *full);
int names_rename(const char *from, const char *to, size_t to_below);

/* fsync of a directory. */
int names_sync(struct shim_file *dir, int fd, long number);

/*
 * A sync of the directory has failed: so do all from now on, as file systems
 * give their journal up then.
 */
void names_lost(struct shim_file *dir);

/* ---- rules.c: faults by count ---- */

enum rule_op {
	RULE_WRITE,
	RULE_SYNC,
	RULE_DIRSYNC,
	RULE_ALLOCATE,
	RULE_CREATE,
	RULE_RENAME,
	RULE_UNLINK,
	RULE_MKDIR,
	RULE_ANY, /* in a rule only */
};

enum rule_what {
	RULE_NOTHING,
	RULE_ERROR, /* errno is set */
	RULE_SHORT, /* half is written, and the caller told so */
	RULE_TORN,  /* half is written, errno is set */
	RULE_LIMBO, /* a sync says it has worked */
};

void rules_start(void);

/* Counts a call; may end the process. `path` is below the directory. */
enum rule_what rules_next(enum rule_op op, const char *path);

#endif
