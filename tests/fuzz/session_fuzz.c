/* Fuzzes a session file: opens it, reads all of it, undoes, redoes and writes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/session/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void said(bool ok, const struct err *err)
{
    if (ok != (err->kind == ERR_NONE))
        abort(); /* a failure must set err, success must not */
}

static void read_all(struct session *s)
{
    struct session_status status;
    struct journal_row *rows;
    struct err err = {0};
    int n;

    said(session_check(s, &err), &err);
    err = (struct err){0};
    said(session_status(s, &status, &err), &err);
    if (session_log(s, &rows, &n, NULL))
        free(rows);
    free(session_get(s, SESSION_PREFIXES, NULL));
}

static void step(struct session *s)
{
    static char text[] = "x";
    struct fact fact = {.subject = text, .prompt = text, .target = text};
    struct edit_record rec = {.requests = 1, .facts = &fact};
    struct err err = {0};

    said(session_undo(s, NULL, &err), &err);
    err = (struct err){0};
    said(session_redo(s, 0, NULL, &err), &err);
    err = (struct err){0};
    said(session_append(s, &rec, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], journal[80];
    struct session *s;
    struct err err = {0};
    int fd;

    snprintf(path, sizeof(path), "%s/session_fuzz.%ld.es",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
    snprintf(journal, sizeof(journal), "%s-journal", path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    s = session_open(path, false, true, &err);
    said(s != NULL, &err);
    if (s)
        read_all(s);
    session_close(s);
    err = (struct err){0};
    s = session_open(path, false, false, &err);
    said(s != NULL, &err);
    if (s)
        step(s);
    session_close(s);
    unlink(path);
    unlink(journal);
    return 0;
}
