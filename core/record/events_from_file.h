/* A finished run or a session as the lines of a recording: what can be shown without the model. */
#ifndef CORE_RECORD_EVENTS_FROM_FILE_H
#define CORE_RECORD_EVENTS_FROM_FILE_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Appends the lines for a RUN file or a session. ERR_IO; ERR_FORMAT: it is neither (the text says
 * what it is). Any thread. */
bool events_from_file(const char *path, struct buf *out, struct err *err);

#endif
