/* A delta file becomes one edit of the session: journalled, told, undone like any other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/edit/checksum.h"
#include "core/engine/inside.h"
#include "core/session/export/export.h"

/* How well its facts stand, before and after; the metrics of the journal. Caller frees. */
static char *prove(struct engine *e, const struct delta_file *f, const struct weights_view *after,
                   struct err *err)
{
    const struct weights_view *const view[2] = {e->open->edited, after};
    double p[2] = {0, 0};
    bool success = true;
    json_t *o;
    char *text;

    for (int i = f->count - 1; i >= 0; i--) { /* the first fact's numbers stay */
        char *prompt = fact_text(&f->facts[i]);
        struct expectation want;
        bool yes = false, ok = expect_answer(e, &want, prompt, f->facts[i].target, err);

        for (int k = 0; ok && k < 2; k++)
            ok = expect_holds(e, &want, view[k], &yes, &p[k], err);
        success = success && yes;
        expect_free(&want);
        free(prompt);
        if (!ok)
            return NULL;
    }
    o = json_pack("{s:b, s:[f,f], s:i}", "success", success, "p_first", p[0], p[1], "kept", 0);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text ? text : xstrdup("{}");
}

/* Journal first; only when that is on the disk do the new weights stand. */
static bool journal(struct engine *e, const char *path, struct delta_file *f,
                    struct weights_view *view, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct edit_record rec = {
        .requests = f->count, .facts = f->facts, .deltas = f->deltas, .delta = f->delta};
    bool ok = weights_checksum(view, rec.checksum, err);

    rec.params_json = f->params_json;
    rec.note = xasprintf("applied from %.200s", slash ? slash + 1 : path);
    rec.metrics_json = ok ? prove(e, f, view, err) : NULL;
    ok = ok && rec.metrics_json && session_append(e->open->journal, &rec, err);
    free(rec.metrics_json);
    free(rec.note);
    return ok;
}

bool job_apply(struct engine *e, struct command *cmd, struct err *err)
{
    struct weights_view *view;
    struct delta_file f;
    bool ok;

    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE, "apply needs the file of a delta");
    if (!delta_file_open(&f, cmd->text, e->model->file, err))
        return false;
    view = view_copy(e->open->edited, ++e->generation);
    for (int i = 0; i < f.deltas; i++)
        view_apply(view, &f.delta[i]);
    ok = !job_cancelled(&e->job, err) && device_sync(e->dev, err) &&
         journal(e, cmd->text, &f, view, err);
    delta_file_free(&f);
    if (!ok) {
        view_free(view);
        return false;
    }
    preview_drop(e);
    view_free(e->open->edited);
    e->open->edited = view;
    e->open->history++; /* the key stores are built anew from the journal */
    return job_history(e, cmd, err) && states_say(e, err);
}
