/* Loads the model onto its device, unloads it, and moves to the CPU when the device is lost.
 *
 * A device that was chosen automatically may fail to open or be too small: then the CPU is used,
 * and EV_MODEL says why. A device that the user named must work. On a GPU, memory is planned before
 * anything is allocated (core/edit/gpu_memory.h).
 *
 * When a GPU is lost in the middle, everything on it is gone: base, edited weights, moments, runs.
 * CMD_DEVICE frees what is left, loads the model again on the CPU and rebuilds the edited weights
 * from the journal, which is on disk and whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/gpu_memory.h"
#include "core/engine/internal.h"
#include "core/engine/model_shape.h"
#include "core/hub/hub.h"
#include "core/model/vocabulary.h"

/* The model's name for the user: of its file or folder, or of its repository if it is in the Hub's
 * cache. Names inside the files are often those of a training run. */
static void model_name_of_path(const char *path, char *name, size_t size)
{
    size_t n = strlen(path), from;

    while (n > 1 && path[n - 1] == '/')
        n--;
    for (from = n; from > 0 && path[from - 1] != '/'; from--)
        ;
    if (n - from > 5 && !strncmp(path + n - 5, ".gguf", 5))
        n -= 5;
    else if (hub_name_of_path(path, name, (int)size))
        return;
    snprintf(name, size, "%.*s", (int)(n - from), path + from);
}

/* The type that holds most of the file's bytes. */
static enum dtype common_type(const struct weights *w)
{
    size_t bytes[DT_COUNT] = {0};
    int most = 0;

    for (int i = 0; i < weights_count(w); i++)
        bytes[weights_at(w, i)->type] += weights_at(w, i)->bytes;
    for (int t = 1; t < DT_COUNT; t++)
        most = bytes[t] > bytes[most] ? t : most;
    return (enum dtype)most;
}

/* EV_MODEL. */
static void emit_model(struct engine *e)
{
    const struct model_config *c = e->model->config;
    const char *device = e->options.notice ? e->options.notice : "";
    const char *note = weights_note(e->model->file);
    struct model_info *m = xcalloc(1, sizeof(*m));

    model_name_of_path(e->options.model, m->name, sizeof(m->name));
    utf8_copy(m->arch, sizeof(m->arch), c->arch);
    utf8_copy(m->path, sizeof(m->path), e->options.model);
    utf8_copy(m->device, sizeof(m->device), e->dev->ops->name);
    utf8_copy(m->type, sizeof(m->type), dtype_name(e->model->block[0].w[MATRIX_DOWN].type));
    utf8_copy(m->stored, sizeof(m->stored), dtype_name(common_type(e->model->file)));
    m->layers = c->layers;
    m->neurons = c->ffn;
    m->hidden = c->hidden;
    m->heads = c->heads;
    m->vocab = e->model->head.rows;
    m->threads = e->dev->threads;
    m->load_seconds = e->model->load_seconds;
    snprintf(m->notice, sizeof(m->notice), "%s%s%s", device, *device && note ? "; " : "",
             note ? note : "");
    engine_emit(e, EV_MODEL, m);
}

void engine_unload_model(struct engine *e)
{
    preview_drop(e);
    runs_free(e);
    targets_free(e);
    edit_stats_free(e);
    edit_curvature_free(e);
    engine_session_park(e);
    state_free(e->base);
    model_close(e->model);
    device_close(e->dev);
    e->base = NULL;
    e->model = NULL;
    e->dev = NULL;
}

/* A notice for the next EV_MODEL. Takes the text. */
static void set_notice(struct engine *e, char *text)
{
    free((char *)(size_t)e->options.notice);
    e->options.notice = text;
}

/* Floats of the matrices that the session's edits replace, besides those that are edited next: they
 * need memory too. 0 if the session cannot be read; opening it reports that. */
static double held_floats(const struct engine *e, const struct model_config *c, const int *layer,
                          int layers)
{
    const char *path = e->options.session;
    struct session *s = path && file_exists(path) ? session_peek(path, NULL) : NULL;
    bool *held = xcalloc((size_t)c->layers * MATRICES, sizeof(*held));
    double floats = 0;

    if (s && session_edited_matrices(s, held, c->layers, NULL))
        floats = plan_held(c, held, layer, layers);
    session_close(s);
    free(held);
    return floats;
}

/* Plans the memory of a device that has its own: ERR_LIMIT if the model does not fit; decides what
 * stays on the host. Sets *floats, the bytes for float32 copies of weights (-1: none). */
static bool memory_plan_of(struct engine *e, const struct weights *file, long long *floats,
                           struct err *err)
{
    const struct model_config *c = weights_config(file);
    struct memory_request r = {.config = c,
                               .rows = 1 + (int)e->params.value[P_ATTR_PREFIXES],
                               .precision = e->dev->precision,
                               .allowed = (double)e->options.memory,
                               .free = (double)device_free_memory(e->dev)};
    struct memory_plan p;
    int layer[PARAM_MAX_LAYERS];

    if (editor_layers(&e->params, c, layer, &r.edited, NULL) && r.edited)
        r.above = c->layers - 1 -
                  layer[editor_of(&e->params)->residual == RESIDUAL_EACH ? 0 : r.edited - 1];
    r.held = held_floats(e, c, layer, r.edited);
    gpu_memory_weights(file, r.precision, &r.weights, &r.wider);
    if (!gpu_memory_plan(&p, &r, err))
        return false;
    e->dev->moments_on_host = p.moments_on_host;
    e->dev->spaces_on_host = p.spaces_on_host;
    *floats = p.part[MEMORY_FLOATS] >= 1 ? (long long)p.part[MEMORY_FLOATS] : -1;
    return true;
}

/* On a device without memory of its own: bytes for float32 copies of weights. Three quarters of
 * what is free beside an edit and the pages of the file; -1: none. */
static long long floats_beside_edit(struct engine *e, const struct weights *file)
{
    const struct model_config *c = weights_config(file);
    double left = (double)device_free_memory(e->dev), stored, wider, work;
    double stays = model_edit_bytes(c->ffn, c->hidden, &work);
    int layer[PARAM_MAX_LAYERS], layers = 0;

    if (left <= 0) /* unknown */
        return 0;
    editor_layers(&e->params, c, layer, &layers, NULL);
    gpu_memory_weights(file, e->dev->precision, &stored, &wider);
    left = 0.75 * (left - layers * stays - work - stored);
    return left >= 1 ? (long long)left : -1;
}

/* Opens files and tokenizer, plans memory, loads. NULL with err. */
static struct model *model_on_device(struct engine *e, struct err *err)
{
    struct weights *file = weights_open(e->options.model, err);
    struct tokenizer *tokenizer = file ? tokenizer_open(file, err) : NULL;
    long long floats = e->options.memory;

    if (tokenizer && !e->dev->ops->own_memory && !floats)
        floats = floats_beside_edit(e, file);
    if (tokenizer && (!e->dev->ops->own_memory || memory_plan_of(e, file, &floats, err)))
        return model_of(file, tokenizer, e->dev, floats, &e->job, err);
    tokenizer_free(tokenizer);
    weights_close(file);
    return NULL;
}

/* Opens the device and loads the model. On failure what was opened stays, to be unloaded. */
static bool model_load(struct engine *e, struct err *err)
{
    double start = clock_seconds();

    e->dev = device_open(e->options.device, e->options.device_index, e->options.threads, err);
    if (!e->dev)
        return false;
    e->dev->precision = (enum precision)e->options.precision;
    e->model = model_on_device(e, err);
    if (e->model)
        e->model->load_seconds = clock_seconds() - start;
    return e->model != NULL;
}

/* The same; if a device that was chosen automatically fails, on the CPU. */
static bool model_load_or_cpu(struct engine *e, struct err *err)
{
    struct err why = {0};

    if (model_load(e, &why))
        return true;
    if (e->options.automatic && e->options.device != &device_cpu &&
        (why.kind == ERR_DEVICE || why.kind == ERR_LIMIT)) {
        engine_unload_model(e);
        set_notice(e, xasprintf("using the CPU: %s", why.text));
        e->options.device = &device_cpu;
        e->options.device_index = 0;
        return model_load(e, err);
    }
    return err_pass(err, &why);
}

bool engine_load_model(struct engine *e, struct err *err)
{
    if (!model_load_or_cpu(e, err)) {
        /* a missing or damaged file: exit status of a bad model */
        if (err->kind == ERR_IO || err->kind == ERR_FORMAT)
            err->kind = ERR_MODEL;
        return false;
    }
    e->lost = false;
    e->base = state_new(e->model, ++e->generation);
    emit_model(e);
    return true;
}

void emit_device_lost(struct engine *e)
{
    struct state_info *s;

    if (e->lost || !e->dev || !e->dev->lost)
        return;
    e->lost = true;
    s = xmalloc(sizeof(*s));
    *s = e->last_state;
    s->lost = true;
    engine_emit(e, EV_STATE, s);
}

bool job_device(struct engine *e, struct command *cmd, struct err *err)
{
    if (cmd->text && strcmp(cmd->text, device_cpu.name) != 0)
        return err_set(err, ERR_USAGE,
                       "device %.40s: a running program can only move to the cpu; start it with "
                       "--device for others",
                       cmd->text);
    if (e->dev && e->options.device == &device_cpu)
        return err_set(err, ERR_USAGE, "the model is on the CPU already");
    engine_unload_model(e);
    e->options.device = &device_cpu;
    e->options.device_index = 0;
    e->options.background_moments = e->wants_moments;
    set_notice(e, xstrdup("moved to the CPU"));
    if (!engine_load_model(e, err))
        return false;
    if (e->options.base_only)
        return true;
    return engine_session_resume(e, err) && emit_state(e, err);
}
