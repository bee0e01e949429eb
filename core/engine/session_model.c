/* What is asked of a session file before it is opened: a summary for lists, and the model that it
 * was made with. That is looked for where the session last saw it, or, if it has moved, beside the
 * session or in the Hub's cache. A model that is found elsewhere, or that competes with another
 * choice, is compared by the content of its files. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/engine.h"
#include "core/hub/hub.h"
#include "core/model/weights.h"
#include "core/session/session.h"

/* What a session knows about its model; each may be NULL. */
struct recall {
    char *path, *name, *identity;
};

static void recall_free(struct recall *m)
{
    free(m->path);
    free(m->name);
    free(m->identity);
}

/* False: the file is no session, or knows no model. */
static bool recall_read(const char *file, struct recall *m)
{
    struct session *s = session_peek(file, NULL);

    *m = (struct recall){0};
    if (!s)
        return false;
    m->path = session_get(s, SESSION_MODEL_PATH, NULL);
    m->name = session_get(s, SESSION_BASE_NAME, NULL);
    m->identity = session_get(s, SESSION_BASE_IDENTITY, NULL);
    session_close(s);
    return m->path && *m->path && m->identity;
}

/* Whether the model at this path has the recorded identity. Reads all of it, or a cached hash. */
static bool model_is_recalled(const char *path, const struct recall *m)
{
    struct weights *w = weights_open(path, NULL);
    struct identity id;
    bool fits = w && weights_identity(w, NULL, &id, NULL);

    if (fits) {
        struct session_base base = session_base_of(&id, m->path);

        fits = session_base_is(&base, m->identity);
        identity_free(&id);
    }
    weights_close(w);
    return fits;
}

/* Where the model may have moved: a relative path is tried beside the session, a path in a Hub
 * cache in the present cache. Caller frees; NULL: not found. */
static char *model_moved_to(const char *session, const char *path)
{
    const char *slash = strrchr(session, '/');
    char *found = NULL, repo[200];
    struct hub_name name;

    if (*path != '/' && slash)
        found = xasprintf("%.*s/%s", (int)(slash - session), session, path);
    else if (hub_name_of_path(path, repo, sizeof(repo)) && hub_name_parse(&name, repo, NULL))
        found = hub_find(&name, NULL);
    if (found && file_exists(found))
        return found;
    free(found);
    return NULL;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

char *engine_model_of(const char *session, const char *rival, struct err *gone)
{
    struct recall m;
    char *path = NULL;

    if (recall_read(session, &m)) {
        bool there = file_exists(m.path);

        path = there ? xstrdup(m.path) : model_moved_to(session, m.path);
        if (path && (!there || (rival && !same_file(path, rival))) &&
            !model_is_recalled(path, &m)) {
            free(path);
            path = NULL;
        }
        if (!path)
            err_set(gone, ERR_MODEL,
                    "%.120s was made with %.60s (%.12s), which is not at %.120s %s", session,
                    m.name ? m.name : "a model", m.identity, m.path,
                    there ? "any more: another is there" : "any more");
    }
    recall_free(&m);
    return path;
}

bool engine_session_summary(const char *session, struct session_summary *out, struct err *err)
{
    struct session *s = session_peek(session, err);
    struct edit_record last = {0};
    struct session_status status;
    bool ok = s && session_status(s, &status, err) && session_last_edit(s, &last, err);
    char *name = ok ? session_get(s, SESSION_BASE_NAME, NULL) : NULL;

    *out = (struct session_summary){0};
    if (ok) {
        out->edits = status.edits;
        out->made = status.total;
        utf8_copy(out->model, sizeof(out->model), name ? name : "");
        if (last.id) {
            out->last = fact_copy(&last.facts[0]);
            out->last_facts = last.requests;
        }
    }
    edit_record_free(&last);
    free(name);
    session_close(s);
    return ok;
}
