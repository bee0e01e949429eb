/* A finished run or a session as the lines of a recording: what is known without its model. */
#ifndef CORE_RECORD_EVENTS_FROM_FILE_H
#define CORE_RECORD_EVENTS_FROM_FILE_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Appends the lines for a RUN file or a session. ERR_IO, ERR_FORMAT. */
bool events_from_file(const char *path, struct buf *out, struct err *err);

#endif
