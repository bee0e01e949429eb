/* The measures of a sequence that another process of mpirun has taken, into the file of the run.
 * Its edits are in that process's own session and end with it. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/event_fields.h"
#include "core/engine/internal.h"
#include "core/session/measures.h"
#include "core/session/tasks.h"

/* The lines of a text, each as its event held it. */
struct lines {
    struct measures **line; /* [count] */
    int count;
};

static bool lines_read(struct lines *out, const char *text, struct err *err)
{
    for (const char *at = text; *at; at += *at == '\n') {
        size_t n = strcspn(at, "\n");
        json_t *line = json_loadb(at, n, 0, NULL);
        struct measures *m = xcalloc(1, sizeof(*m));
        bool ok = line ? fields_read(&measures_fields, line, m, err)
                       : err_set(err, ERR_FORMAT, "line %d of another process's measures: not JSON",
                                 out->count + 1);

        json_decref(line);
        if (!ok) {
            free(m);
            return false;
        }
        out->line = xrealloc(out->line, (size_t)(out->count + 1) * sizeof(*out->line));
        out->line[out->count++] = m;
        at += n;
    }
    return true;
}

/* All of them in one transaction: a sequence is in the file or it is not. */
static bool lines_store(struct session *s, const struct lines *lines, struct err *err)
{
    bool ok = true;

    if (!session_begin(s, err))
        return false;
    for (int i = 0; ok && i < lines->count; i++) {
        const struct measures *m = lines->line[i];

        ok = session_add_measures(s, m->measure, m->count, m->number, m->numbers, err) &&
             session_add_task_answers(s, m->answer, m->answers, err);
    }
    return session_end(s, ok, err);
}

bool job_take(struct engine *e, struct command *cmd, struct err *err)
{
    struct lines lines = {0};
    bool ok = lines_read(&lines, cmd->text ? cmd->text : "", err) &&
              lines_store(e->open->journal, &lines, err);

    for (int i = 0; i < lines.count; i++) {
        struct event ev = {.kind = EV_MEASURES, .job = e->job_id, .measures = lines.line[i]};

        if (ok)
            bus_emit(e->bus, ev);
        else
            event_free(&ev);
    }
    free(lines.line);
    return ok;
}
