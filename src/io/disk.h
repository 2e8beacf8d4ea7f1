/*
 * The files of the machine behind base/disk.h.
 */
#ifndef IO_DISK_H
#define IO_DISK_H

#include "base/disk.h"

/*
 * Safe from any thread. Interrupted calls go on, but an fsync that failed is
 * never tried again: the kernel has dropped the dirty pages and a second one
 * would succeed without them.
 */
struct disk *io_disk(void);

#endif
