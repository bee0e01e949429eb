/* Applies a delta file as one edit of the session. It is written to the journal, listed and undone
 * like any other edit. A delta that active edits already contain is refused, unless --force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"
#include "core/session/export/delta_file.h"

/* p of one fact before and after, and whether it holds, by the parameters of the edit in the file.
 */
static bool fact_outcome(struct engine *e, const struct fact *f, const struct params *p,
                         const struct model_state *after, struct commit_report *out,
                         struct err *err)
{
    const struct model_state *const view[2] = {e->open->edited, after};
    struct probes probes;
    struct verdict v = {0};
    bool ok = probes_of(&probes, e->base, f, p, PROBES_FACT, &e->job, err);

    for (int k = 0; ok && k < 2; k++) {
        ok = probe_ask(&v, &probes, 0, view[k], false, &e->job, err);
        out->p_target[k] = v.score.p;
        out->p_first[k] = v.score.p_first;
    }
    out->success = v.ok;
    probes_free(&probes);
    return ok;
}

/* Metrics of all facts, as JSON for the journal. Caller frees; NULL with err. */
static char *apply_metrics(struct engine *e, const struct delta_file *f,
                           const struct model_state *after, struct err *err)
{
    struct commit_report *fact = xcalloc((size_t)f->count + 1, sizeof(*fact));
    struct params p = edit_params(f->params_json);
    char *text = NULL;
    bool ok = true;

    for (int i = 0; ok && i < f->count; i++)
        ok = fact_outcome(e, &f->facts[i], &p, after, &fact[i], err);
    if (ok)
        text = metrics_json(fact, f->count, NULL);
    free(fact);
    return text;
}

/* Writes the edit to the journal; the caller then makes `view` the edited state. */
static bool apply_journal(struct engine *e, const char *path, struct delta_file *f,
                          struct model_state *view, struct err *err)
{
    struct edit_record rec = {
        .requests = f->count, .facts = f->facts, .deltas = f->deltas, .delta = f->delta};
    bool ok = weights_checksum(view, rec.checksum, err);

    rec.params_json = f->params_json;
    rec.note = xasprintf("applied from %.200s", file_name(path));
    rec.metrics_json = ok ? apply_metrics(e, f, view, err) : NULL;
    ok = ok && rec.metrics_json && session_append(e->open->journal, &rec, err);
    state_assign_edit(view, rec.id);
    free(rec.metrics_json);
    free(rec.note);
    return ok;
}

/* SHA-256 of what a delta does to the weights. The mask is multiplied in first, so that both ways
 * of storing it give the same hash. */
static void delta_hash(const struct delta *d, char hex[65])
{
    const int shape[] = {d->layer, (int)d->matrix, (int)d->kind, d->rank, d->rows, d->cols};
    float *x = d->kind == DELTA_LOW_RANK ? delta_masked_x(d) : NULL;
    struct digest *sha = sha256_new();

    digest_add(sha, shape, sizeof(shape));
    digest_add(sha, d->r, delta_values(d) * sizeof(float));
    if (x)
        digest_add(sha, x, (size_t)d->rank * (size_t)d->cols * sizeof(float));
    if (d->column)
        digest_add(sha, d->column, (size_t)d->rank * sizeof(int));
    digest_end_hex(sha, hex);
    free(x);
}

/* Which changes of a delta file are already made by active edits. */
struct overlap {
    char (*hash)[65]; /* [count] delta_hash() of each */
    bool *in;         /* [count] an edit has made it */
    int count, there; /* there: how many are `in` */
    struct buf edits; /* the edits that made them: " 1, 4" */
};

static void overlap_free(struct overlap *o)
{
    free(o->hash);
    free(o->in);
    buf_free(&o->edits);
}

/* Marks the change, if an edit has made the same. */
static bool overlap_change(struct overlap *o, const struct delta *d)
{
    char hex[65];

    delta_hash(d, hex);
    for (int i = 0; i < o->count; i++)
        if (!o->in[i] && !strcmp(o->hash[i], hex)) {
            o->in[i] = true;
            o->there++;
            return true;
        }
    return false;
}

static bool overlap_edit(struct overlap *o, struct session *s, int edit, struct err *err)
{
    struct delta *delta = NULL;
    int count = 0;
    bool ok = session_load_deltas(s, edit, &delta, &count, err), any = false;

    for (int i = 0; i < count; i++)
        any = overlap_change(o, &delta[i]) || any;
    deltas_free(delta, count);
    if (any)
        buf_printf(&o->edits, "%s %d", o->edits.len ? "," : "", edit);
    return ok;
}

/* ERR_STATE, with the edits' numbers, if active edits already contain the delta or a part of it. */
static bool not_applied_yet(struct engine *e, const char *path, const struct delta_file *f,
                            struct err *err)
{
    struct overlap o = {.count = f->deltas};
    struct edit_record *edits = NULL;
    int count = 0;
    bool ok = session_edits(e->open->journal, false, &edits, &count, err);

    o.hash = xcalloc((size_t)f->deltas + 1, sizeof(*o.hash));
    o.in = xcalloc((size_t)f->deltas + 1, sizeof(*o.in));
    for (int i = 0; i < f->deltas; i++)
        delta_hash(&f->delta[i], o.hash[i]);
    for (int i = 0; ok && i < count; i++)
        ok = overlap_edit(&o, e->open->journal, edits[i].id, err);
    if (ok && o.there) {
        bool many = strchr(o.edits.data, ',') != NULL;

        ok =
            err_set(err, ERR_STATE, "%.150s: edit%s%.60s%s %s %s already; --force adds it again",
                    path, many ? "s" : "", o.edits.data, o.edits.len > 60 ? "..." : "",
                    many ? "are" : "is", o.there < o.count ? "a part of this delta" : "this delta");
    }
    edit_records_free(edits, count);
    overlap_free(&o);
    return ok;
}

bool engine_is_delta(const char *path, struct err *err)
{
    return delta_file_is(path, err);
}

bool job_apply(struct engine *e, struct command *cmd, struct err *err)
{
    struct model_state *view;
    struct delta_file f;
    bool ok;

    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE, "apply needs a delta file");
    if (!delta_file_open(&f, cmd->text, e->model->file, err))
        return false;
    if (!cmd->force && !not_applied_yet(e, cmd->text, &f, err)) {
        delta_file_free(&f);
        return false;
    }
    view = state_copy(e->open->edited, ++e->generation);
    for (int i = 0; i < f.deltas; i++)
        delta_apply(view, &f.delta[i]);
    ok = !job_cancelled(&e->job, err) && device_sync(e->dev, err) &&
         apply_journal(e, cmd->text, &f, view, err);
    delta_file_free(&f);
    if (!ok) {
        state_free(view);
        return false;
    }
    preview_drop(e);
    state_free(e->open->edited);
    e->open->edited = view;
    e->open->history++; /* the key stores will be filled again from the journal */
    return job_history(e, cmd, err) && emit_state(e, err);
}
