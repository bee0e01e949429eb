/* Exports a state of the session as files that other programs read.
 *
 *   1. Collect: the state's replaced matrices, the edits up to it and their deltas
 * (export_begin()).
 *   2. Write: the format's write() puts files into a staging folder beside the target.
 *   3. Ask: the files are opened again, as a model or as deltas on the base. They and the session's
 *      state get the same prompts: those of the edits, and some that no edit is about. Logits must
 *      agree, unless rounding or a lower rank was asked for. Facts are judged as in a commit.
 *   4. Rename the staging folder to the target (staging_commit()). Until then the target is
 * untouched.
 *
 * One EV_EXPORT at the end, with the files, their hashes and what the comparison gave. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/base/version.h"
#include "core/edit/checksum.h"
#include "core/edit/editors/editors.h"
#include "core/engine/internal.h"
#include "core/hub/hub.h"
#include "core/model/generate.h"
#include "core/session/export/export.h"

enum { FACTS_ASKED = 32 }; /* facts asked at most */

/* Prompts that no edit is about: an export may go wrong there too. */
static const char *const others[] = {
    "The capital of France is",
    "Once upon a time there was a",
    "To sort a list of numbers, one",
    "Water boils at a temperature of",
};
enum { OTHERS = sizeof(others) / sizeof(*others) };

/* --- what is exported ---------------------------------------------------------------------- */

/* An export at work. */
struct export_job {
    struct export_source source;
    struct export_matrix *matrix;
    struct edit_record *edits;
    struct model_state *view; /* the exported state */
    struct staging_dir place;
    char *name, *where; /* of the base: its file name, and where it can be found again */
    char commit[41];
};

static void export_job_free(struct export_job *g)
{
    for (int i = 0; i < g->source.matrices; i++) {
        for (int p = 0; p < g->matrix[i].parts; p++)
            delta_free(&g->matrix[i].part[p]);
        free(g->matrix[i].part);
        free(g->matrix[i].w);
    }
    free(g->matrix);
    edit_records_free(g->edits, g->source.edit_count);
    state_free(g->view);
    free(g->name);
    free(g->where);
    staging_end(&g->place);
}

/* A copy with the mask multiplied in. Caller frees. */
static struct delta delta_multiplied(const struct delta *d)
{
    struct delta c = delta_copy(d);

    if (c.kind != DELTA_LOW_RANK)
        return c;
    free(c.x);
    free(c.weight);
    c.x = delta_masked_x(d);
    c.weight = NULL;
    c.scale = 1;
    return c;
}

/* Adds the deltas of one edit to its matrices; err if the format cannot hold all that it left (a
 * hook, a prefix). */
static bool add_parts(struct engine *e, struct export_job *g, const struct export_ops *ops,
                      const struct edit_record *edit, struct err *err)
{
    struct edit_record rec = {.id = edit->id};
    struct params made = edit_params(edit->params_json);
    bool ok = session_load_change(e->open->journal, &rec, err) &&
              export_holds(ops, &rec, editor_of(&made), err);

    for (int t = 0; ok && t < rec.deltas; t++) {
        struct export_matrix *m = NULL;

        for (int i = 0; i < g->source.matrices; i++)
            if (g->matrix[i].layer == rec.delta[t].layer &&
                g->matrix[i].which == rec.delta[t].matrix)
                m = &g->matrix[i];
        if (m) {
            m->part = xrealloc(m->part, (size_t)(m->parts + 1) * sizeof(*m->part));
            m->part[m->parts++] = delta_multiplied(&rec.delta[t]);
            m->rank += rec.delta[t].rank;
        }
    }
    edit_record_free(&rec);
    return ok;
}

/* Frobenius norm of a - b. */
static double frobenius_distance(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];

        sum += d * d;
    }
    return sqrt(sum);
}

/* All matrices that the state replaces, with their weights and |W - W_base|. */
static bool add_matrices(struct engine *e, struct export_job *g, struct err *err)
{
    int slots = e->model->config->layers * MATRICES;

    g->matrix = xcalloc((size_t)slots, sizeof(*g->matrix));
    g->source.matrix = g->matrix;
    for (int i = 0; i < slots; i++) {
        struct export_matrix *out = &g->matrix[g->source.matrices];
        enum matrix which = (enum matrix)(i % MATRICES);
        int l = i / MATRICES;
        struct mat w = state_matrix(g->view, l, which);
        float *base;

        if (!state_replaced(g->view, l, which))
            continue;
        if (job_cancelled(&e->job, err))
            return false;
        *out = (struct export_matrix){.layer = l, .which = which, .rows = w.rows, .cols = w.cols};
        out->w = weights_fetch(g->view, l, which, err);
        base = out->w ? weights_fetch(e->base, l, which, err) : NULL;
        g->source.matrices++;
        if (!base)
            return false;
        out->delta_norm = frobenius_distance(out->w, base, (size_t)w.rows * (size_t)w.cols);
        free(base);
    }
    return true;
}

/* Rebuilds the state; collects its matrices, its edits and their deltas. */
static bool export_state(struct engine *e, const struct command *cmd, const struct export_ops *ops,
                         struct export_job *g, struct err *err)
{
    struct edit_record *edits = NULL;
    bool base = cmd->states == STATE_BASE && !cmd->edit;
    int count = 0, kept = 0;
    bool ok;

    if (base)
        g->view = state_copy(e->base, ++e->generation);
    else if (!engine_session_rebuild(e, e->open->journal, cmd->edit, &g->view, err))
        return false;
    ok = add_matrices(e, g, err) && session_edits(e->open->journal, false, &edits, &count, err);
    g->edits = edits;
    g->source.edit_count = count;
    for (; ok && kept < count && !base && (!cmd->edit || edits[kept].id <= cmd->edit); kept++)
        ok = add_parts(e, g, ops, &edits[kept], err);
    if (!ok)
        return false;
    for (int i = kept; i < count; i++)
        edit_record_free(&edits[i]);
    g->source.edit_count = kept;
    g->source.edits = edits;
    return true;
}

/* Where the base can be found again: its repository and commit, if it is in the Hub's cache, or its
 * absolute path (a bare folder name would be looked up on the Hub). */
static void source_locate(struct export_job *g, const char *path)
{
    char repo[256], *real = realpath(path, NULL);

    if (hub_name_of_path(path, repo, sizeof(repo)) ||
        (real && hub_name_of_path(real, repo, sizeof(repo)))) {
        g->where = xstrdup(repo);
        if (hub_commit_of_path(path, g->commit) || (real && hub_commit_of_path(real, g->commit)))
            g->source.revision = g->commit;
    } else {
        g->where = xstrdup(real ? real : path);
    }
    g->source.where = g->where;
    free(real);
}

/* Opens the staging folder, and collects what is exported. */
static bool export_begin(struct engine *e, const struct command *cmd, const struct export_ops *ops,
                         struct export_job *g, struct err *err)
{
    const struct weights *w = e->model->file;
    int files = weights_files(w), n = 0;
    const char **source = xcalloc((size_t)files + 3, sizeof(*source));
    const char *path = weights_path(w), *slash;
    bool ok;

    for (int i = 0; i < files; i++)
        source[n++] = weights_file(w, i);
    source[n++] = path;
    source[n++] = weights_dir(w);
    source[n++] = session_path(e->open->journal);
    ok = staging_begin(&g->place, cmd->text, ops->is_folder, cmd->force, source, n, &e->job, err);
    free(source);
    slash = strrchr(path, '/');
    g->name = xstrdup(slash && slash[1] ? slash + 1 : path);
    g->source.weights = w;
    g->source.dev = e->dev;
    g->source.session = e->open->journal;
    g->source.until = cmd->edit;
    g->source.identity = e->open->identity;
    g->source.name = g->name;
    g->source.tool = EDITSCOPE_VERSION;
    source_locate(g, path);
    return ok && export_state(e, cmd, ops, g, err);
}

/* --- asking the files ------------------------------------------------------------------------- */

struct question {
    char *text;
    const struct fact *fact; /* the edit's, or NULL */
    const char *params;      /* of that edit, as JSON */
};

/* Fills the questions, *facts with all facts there are; returns the number. */
static int export_questions(const struct export_job *g, struct question *q, int *facts)
{
    int total = 0, n = 0, at = 0;

    for (int i = 0; i < g->source.edit_count; i++)
        total += g->edits[i].requests;
    *facts = total;
    for (int i = 0; i < g->source.edit_count; i++)
        for (int k = 0; k < g->edits[i].requests; k++, at++) {
            const struct fact *f = &g->edits[i].facts[k];

            /* if there are too many: evenly spaced, the last one always */
            if (total > FACTS_ASKED &&
                (long long)(at + 1) * FACTS_ASKED / total == (long long)at * FACTS_ASKED / total)
                continue;
            q[n].text = fact_text(f);
            q[n].params = g->edits[i].params_json;
            if (q[n].text)
                q[n++].fact = f;
        }
    for (int i = 0; i < OTHERS; i++)
        q[n++] = (struct question){.text = xstrdup(others[i])};
    return n;
}

/* The logits after a prompt. */
static bool logits_of(struct engine *e, const struct model_state *view, const struct tokens *t,
                      struct generated *g, struct err *err)
{
    struct generate_options o = {.tokens = 0};

    return generate(g, view, t->ids, t->count, &o, &e->job, err) && device_sync(e->dev, err);
}

/* Asks both states one prompt; notes the difference of their logits and whether the most probable
 * token is the same. ERR_FORMAT if the files' tokenizer gives other tokens. */
static bool compare_prompt(struct engine *e, const struct question *q,
                           const struct model_state *mine, const struct model_state *theirs,
                           struct export_report *x, struct err *err)
{
    static const struct wording plain = {0};
    struct tokens b = {0};
    struct prompt_tokens asking;
    struct generated one = {0}, two = {0};
    int vocab = mine->model->head.rows, top[2];
    bool ok =
        prompt_tokens_of(&asking, q->fact ? &q->fact->wording : &plain, mine->model, q->text, err);
    struct tokens a = asking.tokens;

    ok = ok && tokenizer_encode(theirs->model->tokenizer, asking.text, strlen(asking.text),
                                asking.flags, &b, err);
    if (ok && (a.count != b.count || memcmp(a.ids, b.ids, (size_t)a.count * sizeof(int)) ||
               theirs->model->head.rows != vocab))
        ok = err_set(err, ERR_FORMAT, "the tokenizer of the files gives other tokens for \"%.60s\"",
                     q->text);
    if (a.count > mine->model->config->context) /* at most the context */
        a.count = b.count = mine->model->config->context;
    ok = ok &&
         (!a.count || (logits_of(e, mine, &a, &one, err) && logits_of(e, theirs, &b, &two, err)));
    if (ok && a.count) { /* an empty text asks nothing */
        for (int i = 0; i < vocab; i++) {
            double d = fabs((double)one.logits[i] - (double)two.logits[i]);

            if (!(d <= x->max_logit_diff)) /* true for NaN, which then stays */
                x->max_logit_diff = d;
        }
        top_k(one.logits, vocab, 1, &top[0]);
        top_k(two.logits, vocab, 1, &top[1]);
        x->same += top[0] == top[1];
        x->prompts++;
    }
    generated_free(&one);
    generated_free(&two);
    prompt_tokens_free(&asking);
    tokens_free(&b);
    return ok;
}

/* Whether a fact holds in both states, by the parameters of its edit. */
static bool compare_fact(struct engine *e, const struct question *q, const struct model_state *mine,
                         const struct model_state *theirs, struct export_report *x, struct err *err)
{
    const struct model_state *const view[2] = {mine, theirs};
    const struct params p = edit_params(q->params);
    struct probes probes;
    bool ok = probes_of(&probes, e->base, q->fact, &p, PROBES_FACT, &e->job, err);
    struct verdict v;

    for (int k = 0; ok && k < 2; k++) {
        ok = probe_ask(&v, &probes, 0, view[k], false, &e->job, err);
        x->held[k] += ok && v.ok;
    }
    x->facts += ok;
    probes_free(&probes);
    return ok;
}

static bool ask_all(struct engine *e, const struct export_job *g, const struct model_state *theirs,
                    struct export_report *x, struct err *err)
{
    struct question *q = xcalloc(FACTS_ASKED + OTHERS + 1, sizeof(*q));
    int n = export_questions(g, q, &x->facts_all);
    bool ok = true;

    x->max_logit_diff = 0;
    for (int i = 0; i < n; i++) {
        ok = ok && compare_prompt(e, &q[i], g->view, theirs, x, err) &&
             (!q[i].fact || compare_fact(e, &q[i], g->view, theirs, x, err));
        emit_progress(e, e->job_id, "asking the files", i + 1, n);
        free(q[i].text);
    }
    free(q);
    return ok;
}

/* Asks an adapter or a delta: its factors, applied to the base. */
static bool ask_deltas(struct engine *e, const struct export_job *g, const struct export_ops *ops,
                       const char *path, struct export_report *x, struct err *err)
{
    struct model_state *view = state_copy(e->base, ++e->generation);
    struct delta *delta = NULL;
    int count = 0;
    bool ok = ops->read_back(path, e->model->file, &delta, &count, err);

    for (int i = 0; i < count; i++) {
        if (ok)
            delta_apply(view, &delta[i]);
        delta_free(&delta[i]);
    }
    free(delta);
    ok = ok && device_sync(e->dev, err) && ask_all(e, g, view, x, err);
    state_free(view);
    return ok;
}

/* Asks a whole model, with its weights mapped in their stored type: the same bits, and hardly any
 * memory. */
static bool ask_model(struct engine *e, const struct export_job *g, const char *path,
                      struct export_report *x, struct err *err)
{
    struct model *m = model_open(path, e->dev, 1, &e->job, err);
    struct model_state *view;
    bool ok;

    if (!m)
        return err_in(err, "the files cannot be opened again");
    view = state_new(m, ++e->generation);
    ok = ask_all(e, g, view, x, err);
    state_free(view);
    model_close(m);
    return ok;
}

static bool ask_files(struct engine *e, const struct export_job *g, const struct export_ops *ops,
                      struct export_report *x, struct err *err)
{
    char *path = staging_path(&g->place, ops->is_folder ? "." : g->place.file[0].name);
    /* logits need not agree after rounding, truncation, or with imprecise products */
    bool exact = x->loss == 0 && x->truncated == 0 && e->dev->precision == PRECISION_FULL &&
                 strcmp(x->type, "F16") && strcmp(x->type, "BF16");
    bool ok;

    if (ops->is_folder)
        path[strlen(path) - 2] = '\0';
    ok = ops->read_back ? ask_deltas(e, g, ops, path, x, err) : ask_model(e, g, path, x, err);
    free(path);
    if (!ok)
        return false;
    if (!isfinite(x->max_logit_diff))
        return err_set(err, ERR_FORMAT,
                       "the exported files give NaN or infinite logits, so they were not kept");
    return !exact || x->max_logit_diff <= 0.1 ||
           err_set(err, ERR_FORMAT,
                   "the exported files do not answer as the session does (logits differ by %.3g), "
                   "so they were not kept",
                   x->max_logit_diff);
}

/* --- the job ---------------------------------------------------------------------------------- */

/* editscope.json: what a folder was made from, and the hashes of its files. */
static bool put_manifest(const struct export_job *g, const struct export_ops *ops,
                         const char *state, struct err *err)
{
    json_t *root = json_object(), *files = json_array();
    const struct staging_dir *p = &g->place;
    char *text;
    bool ok;

    json_object_set_new(root, "schema", json_integer(1));
    json_object_set_new(root, "kind", json_string("editscope-export"));
    json_object_set_new(root, "tool", json_string(g->source.tool));
    json_object_set_new(root, "as", json_string(ops->name));
    json_object_set_new(root, "base_identity", json_string(g->source.identity));
    json_object_set_new(root, "state", json_string(state));
    json_object_set_new(root, "edits", json_integer(g->source.edit_count));
    for (int i = 0; i < p->files; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "path", json_string(p->file[i].name));
        json_object_set_new(o, "bytes", json_integer((json_int_t)p->file[i].bytes));
        json_object_set_new(o, "sha256", json_string(p->file[i].sha256));
        json_array_append_new(files, o);
    }
    json_object_set_new(root, "files", files);
    text = json_dumps(root, JSON_INDENT(2));
    ok = text ? staging_put(&((struct export_job *)(size_t)g)->place, STAGING_MANIFEST, text,
                            strlen(text), err)
              : err_set(err, ERR_LIMIT, "not enough memory for " STAGING_MANIFEST);
    free(text);
    json_decref(root);
    return ok;
}

/* EV_EXPORT. Takes x. */
static void emit_export(struct engine *e, const struct export_job *g, struct export_report *x)
{
    struct event ev = {.kind = EV_EXPORT, .job = e->job_id, .export = x};
    const struct staging_dir *p = &g->place;

    x->path = xstrdup(p->target);
    x->files = p->files;
    x->file = xcalloc((size_t)p->files + 1, sizeof(*x->file));
    for (int i = 0; i < p->files; i++) {
        x->file[i].name = xstrdup(p->file[i].name);
        x->file[i].bytes = (double)p->file[i].bytes;
        memcpy(x->file[i].sha256, p->file[i].sha256, sizeof(x->file[i].sha256));
    }
    x->seconds = clock_seconds() - e->job_began;
    bus_emit(e->bus, ev);
}

static bool export_write(struct engine *e, const struct command *cmd, const struct export_ops *ops,
                         struct export_job *g, struct export_report *x, struct err *err)
{
    struct export_options options = {cmd->dtype, cmd->rank};
    struct export_result r = {0};
    struct session_status status;
    char state[32];

    if (!export_begin(e, cmd, ops, g, err) || !session_status(e->open->journal, &status, err) ||
        !ops->write(&g->source, &options, &g->place, &r, err))
        return false;
    utf8_copy(x->as, sizeof(x->as), ops->name);
    utf8_copy(x->type, sizeof(x->type), r.dtype);
    x->tensors = r.tensors;
    x->loss = r.loss;
    x->rank = r.rank;
    x->truncated = r.truncated;
    if (cmd->edit)
        snprintf(state, sizeof(state), "edit:%d", cmd->edit);
    else
        utf8_copy(state, sizeof(state), cmd->states == STATE_BASE ? "base" : status.state);
    return (!ops->is_folder || put_manifest(g, ops, state, err)) &&
           (ops->journal || ask_files(e, g, ops, x, err)) && staging_commit(&g->place, err);
}

bool job_export(struct engine *e, struct command *cmd, struct err *err)
{
    const struct export_ops *ops = export_find(cmd->export, err);
    struct export_job g = {.place = {.lock = -1}};
    struct export_report *x;
    bool ok;

    if (!ops)
        return false;
    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE, "export needs a path: --to PATH");
    x = xcalloc(1, sizeof(*x));
    x->max_logit_diff = -1;
    ok = export_write(e, cmd, ops, &g, x, err);
    if (ok)
        emit_export(e, &g, x);
    else
        free(x);
    export_job_free(&g);
    return ok;
}
