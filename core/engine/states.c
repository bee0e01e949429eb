/* The states of a session: opening it, its past, undo, redo, and proof by rebuilding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/edit/checksum.h"
#include "core/engine/inside.h"
#include "core/model/generate.h"

bool states_apply(struct engine *e, struct weights_view *view, int edit, struct err *err)
{
    const struct model_config *c = e->model->config;
    struct delta *delta = NULL;
    int deltas = 0;
    bool ok = session_load_deltas(e->session, edit, &delta, &deltas, err);

    for (int t = 0; t < deltas; t++) {
        if (ok &&
            (delta[t].layer >= c->layers || delta[t].rows != c->hidden || delta[t].cols != c->ffn))
            ok = err_set(err, ERR_STATE, "edit %d does not fit this model's layer %d", edit,
                         delta[t].layer);
        if (ok)
            view_apply(view, &delta[t]);
        delta_free(&delta[t]);
    }
    free(delta);
    return ok;
}

/* base + the deltas of the active edits in order (up to edit `until`; 0: all) is bit for bit the
 * state the session was in. */
bool states_rebuild(struct engine *e, int until, struct weights_view **out, struct err *err)
{
    struct weights_view *view = view_copy(e->base, ++e->generation);
    struct edit_record *edits = NULL;
    int count = 0;
    bool found = until == 0, ok = session_edits(e->session, false, &edits, &count, err);

    for (int n = 0; ok && n < count && (until == 0 || edits[n].id <= until); n++) {
        ok = states_apply(e, view, edits[n].id, err);
        found = found || edits[n].id == until;
    }
    edit_records_free(edits, count);
    if (ok && !found)
        ok = err_set(err, ERR_USAGE, "no active edit %d; `editscope log` lists them", until);
    ok = ok && device_sync(e->dev, err);
    if (ok)
        *out = view;
    else
        view_free(view);
    return ok;
}

/* Prefixes: a file's, else the session's, else made by the base model itself and kept. */
static bool make_prefixes(struct engine *e, struct err *err)
{
    static const char *const seed[] = {"The", "Therefore", "Because", "I", "You"};
    struct generate_options o = {0};
    struct buf all = {0};
    char *text;
    bool ok = true;

    if (e->options.prefixes)
        return prefixes_load(&e->prefixes, e->options.prefixes, err);
    text = session_get(e->session, SESSION_PREFIXES, NULL);
    if (text) {
        ok = prefixes_parse(&e->prefixes, text, err);
        free(text);
        return ok;
    }
    for (size_t i = 0; ok && i < sizeof(seed) / sizeof(*seed); i++) {
        struct tokens t = {0};
        struct generated g = {0};
        struct buf one = {0};

        ok = tokenizer_encode(e->model->tokenizer, seed[i], strlen(seed[i]), ENCODE_BOS, &t, err);
        o.tokens = 10 - t.count; /* ten tokens in all */
        ok = ok && generate(&g, e->base, t.ids, t.count, &o, &e->job, err);
        if (ok)
            tokenizer_decode(e->model->tokenizer, g.id, g.count, DECODE_SKIP_SPECIAL, &one);
        for (size_t j = 0; j < one.len; j++)
            if (strchr("{}\n\r", one.data[j]))
                one.data[j] = ' ';
        buf_printf(&all, "%s%s. \n", seed[i], one.data ? one.data : "");
        buf_free(&one);
        generated_free(&g);
        tokens_free(&t);
    }
    ok = ok && prefixes_parse(&e->prefixes, all.data, err);
    if (ok && !e->options.readonly)
        session_set(e->session, SESSION_PREFIXES, all.data, NULL);
    buf_free(&all);
    return ok;
}

bool states_open(struct engine *e, struct err *err)
{
    struct weights_view *view = NULL;

    if (e->options.autosave && !e->options.session)
        e->options.session = session_autosave_path(); /* freed with the options */
    e->session =
        session_open(e->options.session, e->identity, e->options.create, e->options.readonly, err);
    if (!e->session || !make_prefixes(e, err) || !states_rebuild(e, 0, &view, err))
        return false;
    if (!e->options.readonly) {
        session_set(e->session, SESSION_BASE_NAME, e->model->config->name, NULL);
        session_set(e->session, SESSION_MODEL_PATH, e->options.model, NULL);
    }
    view_free(e->edited);
    e->edited = view;
    return true;
}

bool states_say(struct engine *e, struct err *err)
{
    struct state_info *s = xcalloc(1, sizeof(*s));
    struct session_status status;
    int layer[PARAM_MAX_LAYERS];
    bool ok = session_status(e->session, &status, err) &&
              weights_checksum(e->preview.view ? e->preview.view : e->edited, s->checksum, err);

    if (!ok) {
        free(s);
        return false;
    }
    s->edits = status.edits;
    s->preview = e->preview.view != NULL;
    memcpy(s->state, status.state, sizeof(s->state));
    snprintf(s->session, sizeof(s->session), "%s", session_path(e->session));
    memcpy(s->base, e->identity, sizeof(s->base));
    s->readonly = e->options.readonly;
    s->can_undo = status.last != 0;
    s->can_redo = status.redo != 0;
    s->moment_tokens = e->ground.checkpoint;
    s->moment_goal = e->ground.goal;
    s->verified = e->verified;
    edited_layers(&e->params, e->model->config, layer, &s->edited_count, NULL);
    if (s->edited_count > EDIT_MAX_LAYERS)
        s->edited_count = EDIT_MAX_LAYERS;
    memcpy(s->edited_layers, layer, (size_t)s->edited_count * sizeof(int));
    if (!s->preview && !e->options.readonly) { /* an unlike checksum of a like state is told */
        ok = session_set_checksum(e->session, 0, s->checksum, err);
        if (!ok) {
            free(s);
            return false;
        }
    }
    e->said = *s;
    engine_emit(e, EV_STATE, s);
    return true;
}

bool job_undo(struct engine *e, struct command *cmd, struct err *err)
{
    struct weights_view *view = NULL;
    int edit = cmd->edit;
    bool ok;

    if (e->options.readonly)
        return err_set(err, ERR_USAGE, "read-only: nothing is undone or redone");
    if (cmd->kind == CMD_REDO)
        ok = session_redo(e->session, cmd->edit, &edit, err);
    else
        ok = cmd->edit ? session_remove(e->session, cmd->edit, err)
                       : session_undo(e->session, &edit, err);
    if (!ok || !states_rebuild(e, 0, &view, err))
        return false;
    preview_drop(e);
    view_free(e->edited);
    e->edited = view;
    e->history++;
    return states_say(e, err);
}

static void entry_metrics(struct history_entry *h, const char *text)
{
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    json_t *p = json_object_get(o, "p_first");

    h->p_before = json_number_value(json_array_get(p, 0));
    h->p_after = json_number_value(json_array_get(p, 1));
    h->success = json_is_true(json_object_get(o, "success"));
    h->kept = (int)json_integer_value(json_object_get(o, "kept"));
    json_decref(o);
}

struct history *states_history(struct session *session, struct err *err)
{
    struct edit_record *edits = NULL;
    struct history *h;
    int count = 0;

    if (!session_edits(session, true, &edits, &count, err))
        return NULL;
    h = xcalloc(1, sizeof(*h));
    h->count = count;
    h->entry = xcalloc((size_t)count + 1, sizeof(*h->entry));
    for (int i = 0; i < count; i++) {
        const struct fact *f = &edits[i].facts[0];
        struct history_entry *x = &h->entry[i];

        x->edit = edits[i].id;
        x->active = edits[i].active;
        x->when = edits[i].when;
        x->draft = edits[i].draft;
        x->subject = xstrdup(f->subject);
        x->prompt = xstrdup(f->prompt);
        x->target = xstrdup(f->target);
        x->old = xstrdup(f->old);
        x->note = xstrdup(edits[i].note);
        memcpy(x->checksum, edits[i].checksum, sizeof(x->checksum));
        entry_metrics(x, edits[i].metrics_json);
    }
    edit_records_free(edits, count);
    return h;
}

bool job_history(struct engine *e, struct command *cmd, struct err *err)
{
    struct event ev = {.kind = EV_HISTORY, .job = e->job_id};

    (void)cmd;
    ev.history = states_history(e->session, err);
    if (!ev.history)
        return false;
    bus_emit(e->bus, ev);
    return true;
}

bool job_verify(struct engine *e, struct command *cmd, struct err *err)
{
    struct weights_view *view = NULL;
    struct session_status status;
    char now[65], again[65];
    bool ok;

    (void)cmd;
    if (!session_check(e->session, err) || !session_status(e->session, &status, err) ||
        !states_rebuild(e, 0, &view, err))
        return false;
    ok = weights_checksum(e->edited, now, err) && weights_checksum(view, again, err);
    view_free(view);
    if (ok && strcmp(now, again))
        ok = err_set(err, ERR_STATE, "rebuilt weights have checksum %.16s, those in use %.16s",
                     again, now);
    if (ok && status.checksum[0] && strcmp(status.checksum, again))
        ok = err_set(err, ERR_STATE, "rebuilt weights have checksum %.16s, the session says %.16s",
                     again, status.checksum);
    e->verified = ok;
    return ok && states_say(e, err);
}

/* The whole session is copied to a file of that name and goes on there; the one before it stays as
 * it is. */
bool job_save(struct engine *e, struct command *cmd, struct err *err)
{
    struct session *copy;

    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE,
                       "a session needs a name to be saved under, such as paris.es");
    if (!session_copy(e->session, cmd->text, err))
        return false;
    copy = session_open(cmd->text, e->identity, false, e->options.readonly, err);
    if (!copy)
        return false;
    states_close(e);
    e->session = copy;
    e->options.autosave = false;
    free((char *)(size_t)e->options.session);
    e->options.session = xstrdup(cmd->text);
    return states_say(e, err);
}

/* An autosave in which nothing was ever edited is nobody's loss. */
void states_close(struct engine *e)
{
    struct session_status status = {0};
    bool empty = e->session && e->options.autosave && session_status(e->session, &status, NULL) &&
                 !status.total;
    char *path = empty ? xstrdup(session_path(e->session)) : NULL;

    session_close(e->session);
    e->session = NULL;
    if (path && *path)
        unlink(path);
    free(path);
}
