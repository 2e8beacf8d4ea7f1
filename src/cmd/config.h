/*
 * The configuration file of murderd (libconfig's syntax, own schema).
 *
 * Every unknown key, wrong type and bad unit is reported as
 * `file:line: text`, all of them, not only the first.
 */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "server/settings.h"

/*
 * Reads `path` into initialised settings. ERR_INVALID: `problems` holds one
 * line each; ERR_NOTFOUND, ERR_IO with one line.
 */
must_use enum err config_file_read(const char *path, struct settings *settings,
				   struct buf *problems);

#endif
