/* The states of a session: opening it, its past, undo, redo, and proof by rebuilding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"
#include "core/model/generate.h"

static bool journal_add_hook(struct model_state *view, const struct hook_data *data,
                             struct err *err)
{
    struct hook *hook = hook_open(view->model, data, err);

    if (hook)
        state_add_hook(view, hook);
    hook_release(hook);
    return hook != NULL;
}

bool engine_session_apply(struct engine *e, struct session *journal, struct model_state *view,
                          int edit, struct err *err)
{
    struct edit_record rec = {.id = edit};
    bool ok = session_load_change(journal, &rec, err);

    for (int t = 0; ok && t < rec.deltas; t++) {
        ok = delta_fits(&rec.delta[t], e->model->config) ||
             err_set(err, ERR_STATE, "edit %d does not fit this model's layer %d", edit,
                     rec.delta[t].layer);
        if (ok)
            delta_apply(view, &rec.delta[t]);
    }
    state_assign_edit(view, edit);
    for (int i = 0; ok && i < rec.hooks; i++)
        ok = journal_add_hook(view, &rec.hook[i], err) || err_in(err, "edit %d", edit);
    for (int i = 0; ok && i < rec.prefixes; i++)
        ok = state_add_prefix(view, rec.prefix[i], err) || err_in(err, "edit %d", edit);
    edit_record_free(&rec);
    return ok;
}

/* base + the deltas of the active edits in order (up to edit `until`; 0: all) is bit for bit the
 * state the session was in. */
bool engine_session_rebuild(struct engine *e, struct session *journal, int until,
                            struct model_state **out, struct err *err)
{
    struct model_state *view = state_copy(e->base, ++e->generation);
    struct edit_record *edits = NULL;
    int count = 0;
    bool found = until == 0, ok = session_edits(journal, false, &edits, &count, err);

    for (int n = 0; ok && n < count && (until == 0 || edits[n].id <= until); n++) {
        ok = engine_session_apply(e, journal, view, edits[n].id, err);
        found = found || edits[n].id == until;
    }
    edit_records_free(edits, count);
    if (ok && !found)
        ok = err_set(err, ERR_USAGE, "no active edit %d; `editscope log` lists them", until);
    ok = ok && device_sync(e->dev, err);
    if (ok)
        *out = view;
    else
        state_free(view);
    return ok;
}

/* What the base model goes on with. A model whose numbers are none says nothing, which is no reason
 * not to open it: whatever computes with it says what is wrong. Nothing is kept then. */
static bool prefix_text(struct engine *e, const char *seed, struct buf *out, bool *sound,
                        struct err *err)
{
    struct generate_options o = {0};
    struct tokens t = {0};
    struct generated g = {0};
    struct err why = {0};
    bool ok = tokenizer_encode(e->model->tokenizer, seed, strlen(seed), ENCODE_BOS, &t, &why);

    o.tokens = 10 - t.count; /* ten tokens in all */
    ok = ok && generate(&g, e->base, t.ids, t.count, &o, &e->job, &why);
    if (ok)
        tokenizer_decode(e->model->tokenizer, g.id, g.count, DECODE_SKIP_SPECIAL, out);
    else if (why.kind == ERR_FORMAT)
        *sound = false;
    else
        err_pass(err, &why);
    for (size_t j = 0; j < out->len; j++)
        if (strchr("{}\n\r", out->data[j]))
            out->data[j] = ' ';
    generated_free(&g);
    tokens_free(&t);
    return ok || !*sound;
}

/* Prefixes: a file's, else the session's, else made by the base model itself and kept. */
static bool prefixes_make(struct engine *e, struct open_session *s, struct err *err)
{
    static const char *const seed[] = {"The", "Therefore", "Because", "I", "You"};
    struct buf all = {0};
    char *text;
    bool ok = true, sound = true;

    if (e->options.prefixes)
        return prefixes_load(&s->prefixes, e->options.prefixes, err);
    text = session_get(s->journal, SESSION_PREFIXES, NULL);
    if (text) {
        ok = prefixes_parse(&s->prefixes, text, err);
        free(text);
        return ok;
    }
    for (size_t i = 0; ok && i < sizeof(seed) / sizeof(*seed); i++) {
        struct buf one = {0};

        ok = prefix_text(e, seed[i], &one, &sound, err);
        buf_printf(&all, "%s%s. \n", seed[i], one.data ? one.data : "");
        buf_free(&one);
    }
    ok = ok && prefixes_parse(&s->prefixes, all.data, err);
    if (ok && sound && !e->options.readonly)
        session_set(s->journal, SESSION_PREFIXES, all.data, NULL);
    buf_free(&all);
    return ok;
}

/* For the screen: a session that another program writes, or that nobody may write, is opened for
 * reading, and that is said. */
static struct session *journal_open(struct engine *e, struct err *err)
{
    const struct engine_options *o = &e->options;
    struct err why = {0};
    struct session *s = session_open(o->session, o->create, o->readonly, &why);

    if (!s && o->yields && !o->readonly && (why.kind == ERR_HELD || why.kind == ERR_IO) &&
        (s = session_open(o->session, false, true, NULL)) != NULL) {
        struct event said = {.kind = EV_FAILED};
        size_t n = strlen(session_path(s)); /* a long path would hide the reason */
        bool named = !strncmp(why.text, session_path(s), n) && !strncmp(why.text + n, ": ", 2);

        e->options.readonly = true;
        err_set(&said.err, why.kind, "open for reading only: %s", why.text + (named ? n + 2 : 0));
        bus_emit(e->bus, said);
    }
    if (!s)
        err_pass(err, &why);
    return s;
}

/* Compares the model at hand with the one the journal is of; `path`: where that was last. */
static bool journal_bind(struct engine *e, struct open_session *s, const struct identity *id,
                         const char *path, struct err *err)
{
    struct session_base base = session_base_of(id, path);

    base.name = e->model->config->name;
    memcpy(s->identity, base.identity, sizeof(s->identity));
    memcpy(s->former, base.former[0], sizeof(s->former));
    return session_bind(s->journal, &base, err);
}

/* Where the model is now. */
static void journal_place(struct engine *e, struct open_session *s, const char *was)
{
    char *path = file_absolute(e->options.model);

    session_set(s->journal, SESSION_BASE_NAME, e->model->config->name, NULL);
    if (!was || strcmp(was, path))
        session_set(s->journal, SESSION_MODEL_PATH, path, NULL);
    free(path);
}

/* The journal, the identity it was made with, and what the edits make of the base. */
static bool session_open_whole(struct engine *e, struct open_session *s, struct err *err)
{
    struct identity id;
    char *path = NULL;
    bool ok;

    if (!weights_identity(e->model->file, &e->job, &id, err))
        return false;
    s->journal = journal_open(e, err);
    if (s->journal)
        path = session_get(s->journal, SESSION_MODEL_PATH, NULL);
    ok = s->journal && journal_bind(e, s, &id, path, err) && prefixes_make(e, s, err) &&
         engine_session_rebuild(e, s->journal, 0, &s->edited, err);
    if (ok && !e->options.readonly)
        journal_place(e, s, path);
    identity_free(&id);
    free(path);
    return ok;
}

/* An autosave in which nothing was ever edited is nobody's loss. */
static void session_discard(struct engine *e, struct open_session *s)
{
    struct session_status status = {0};
    bool empty = s->journal && e->options.autosave && session_status(s->journal, &status, NULL) &&
                 !status.total;
    char *path = empty ? xstrdup(session_path(s->journal)) : NULL;

    session_close(s->journal);
    if (path && *path)
        unlink(path);
    free(path);
    state_free(s->edited);
    prefixes_free(&s->prefixes);
    free(s);
}

bool engine_session_open(struct engine *e, struct err *err)
{
    struct open_session *s = xcalloc(1, sizeof(*s));

    if (e->options.autosave && !e->options.session)
        e->options.session = session_autosave_path(); /* freed with the options */
    if (session_open_whole(e, s, err)) {
        e->open = s;
        return true;
    }
    session_discard(e, s);
    return false;
}

void engine_session_park(struct engine *e)
{
    if (!e->open)
        return;
    e->parked = e->open;
    e->open = NULL;
    state_free(e->parked->edited);
    e->parked->edited = NULL;
}

bool engine_session_resume(struct engine *e, struct err *err)
{
    struct open_session *s = e->parked;

    if (!s)
        return err_set(err, ERR_STATE, "no session is open");
    if (!engine_session_rebuild(e, s->journal, 0, &s->edited, err))
        return false;
    s->history++;
    e->open = s;
    e->parked = NULL;
    return true;
}

void engine_session_close(struct engine *e)
{
    engine_session_park(e);
    if (e->parked)
        session_discard(e, e->parked);
    e->parked = NULL;
}

bool emit_state(struct engine *e, struct err *err)
{
    struct state_info *s = xcalloc(1, sizeof(*s));
    struct session_status status;
    int layer[PARAM_MAX_LAYERS];
    bool ok =
        session_status(e->open->journal, &status, err) &&
        weights_checksum(e->preview.view ? e->preview.view : e->open->edited, s->checksum, err);

    if (!ok) {
        free(s);
        return false;
    }
    s->edits = status.edits;
    s->preview = e->preview.view != NULL;
    memcpy(s->state, status.state, sizeof(s->state));
    utf8_copy(s->session, sizeof(s->session), session_path(e->open->journal));
    memcpy(s->base, e->open->identity, sizeof(s->base));
    s->readonly = e->options.readonly;
    s->can_undo = status.last != 0;
    s->can_redo = status.redo != 0;
    s->moment_tokens = e->stats.checkpoint;
    s->moment_goal = e->stats.goal;
    s->verified = e->open->verified;
    named_layers(&e->params, e->model->config, layer, &s->edited_count, NULL);
    if (s->edited_count > EDIT_MAX_LAYERS)
        s->edited_count = EDIT_MAX_LAYERS;
    memcpy(s->edited_layers, layer, (size_t)s->edited_count * sizeof(int));
    if (!s->preview && !e->options.readonly) { /* an unlike checksum of a like state is told */
        ok = session_set_checksum(e->open->journal, s->checksum, err);
        if (!ok) {
            free(s);
            return false;
        }
    }
    e->last_state = *s;
    engine_emit(e, EV_STATE, s);
    return true;
}

bool engine_session_state(struct engine *e, int edit, struct model_state **out, struct err *err)
{
    if (edit)
        return engine_session_rebuild(e, e->open->journal, edit, out, err);
    *out = state_copy(e->base, ++e->generation);
    return true;
}

bool job_history(struct engine *e, struct command *cmd, struct err *err)
{
    struct event ev = {.kind = EV_HISTORY, .job = e->job_id};

    (void)cmd;
    ev.history = history_of_session(e->open->journal, err);
    if (!ev.history)
        return false;
    bus_emit(e->bus, ev);
    return true;
}

bool job_verify(struct engine *e, struct command *cmd, struct err *err)
{
    struct model_state *view = NULL;
    struct session_status status;
    char now[65], again[65];
    bool ok;

    (void)cmd;
    if (!session_check(e->open->journal, err) || !session_status(e->open->journal, &status, err) ||
        !engine_session_rebuild(e, e->open->journal, 0, &view, err))
        return false;
    ok = weights_checksum(e->open->edited, now, err) && weights_checksum(view, again, err);
    state_free(view);
    if (ok && strcmp(now, again))
        ok = err_set(err, ERR_STATE, "rebuilt weights have checksum %.16s, those in use %.16s",
                     again, now);
    if (ok && status.checksum[0] && strcmp(status.checksum, again))
        ok = err_set(err, ERR_STATE, "rebuilt weights have checksum %.16s, the session says %.16s",
                     again, status.checksum);
    e->open->verified = ok;
    return ok && emit_state(e, err);
}

/* The whole session is copied to a file of that name and goes on there; the one before it stays as
 * it is. */
bool job_save(struct engine *e, struct command *cmd, struct err *err)
{
    struct session *copy;
    bool readonly;

    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE,
                       "a session needs a name to be saved under, such as paris.es");
    if (!session_copy(e->open->journal, cmd->text, err))
        return false;
    readonly = e->options.readonly && !e->options.yields; /* nobody else holds the new file */
    copy = session_open(cmd->text, false, readonly, err);
    if (!copy)
        return false;
    e->options.readonly = readonly;
    session_close(e->open->journal);
    e->open->journal = copy;
    e->options.autosave = false;
    free((char *)(size_t)e->options.session);
    e->options.session = xstrdup(cmd->text);
    return emit_state(e, err);
}

bool job_note(struct engine *e, struct command *cmd, struct err *err)
{
    const char *text = cmd->text ? cmd->text + strspn(cmd->text, " ") : "";

    if (e->options.readonly)
        return err_set(err, ERR_USAGE, "read-only: no note is written");
    return session_set_note(e->open->journal, cmd->edit, *text ? text : NULL, err) &&
           job_history(e, cmd, err);
}
