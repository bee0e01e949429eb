/* Opens a model file in whatever format, and checks that it has exactly the tensors its
 * configuration requires. weights.h explains the steps. */
#include "core/model/weights.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/model/format.h"
#include "core/model/safetensors.h"

/* --- the tensors that a configuration requires ------------------------------------------ */

struct required {
    const char *name; /* of a block's tensor: what follows "blk.N." */
    long rows, cols;  /* cols 0: a vector of `rows` elements */
    unsigned parts;   /* enum model_part: required if the model has all of these */
    bool optional;
};

enum { MAX_REQUIRED = 32 };

/* Appends `need` to out [n] unless the configuration lacks a part of it. If a part is only possible
 * (c->maybe), the tensor is optional. Returns the new count. */
static int add_required(const struct model_config *c, struct required *out, int n,
                        struct required need)
{
    if ((need.parts & ~(c->parts | c->maybe)) != 0)
        return n;
    need.optional |= (need.parts & ~c->parts) != 0;
    out[n] = need;
    return n + 1;
}

static int required_globals(const struct model_config *c, struct required *out)
{
    const struct required all[] = {
        {"token_embd.weight", c->vocab, c->hidden, 0, false},
        {"position_embd.weight", c->context, c->hidden, PART_POSITIONS, false},
        {"output_norm.weight", c->hidden, 0, 0, false},
        {"output_norm.bias", c->hidden, 0, PART_NORM_BIAS, false},
    };
    int n = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        n = add_required(c, out, n, all[i]);
    if (!c->tied)
        out[n++] = (struct required){"output.weight", c->vocab, c->hidden, 0, false};
    if (!(c->parts & PART_POSITIONS))
        out[n++] = (struct required){"rope_freqs.weight", c->head_dim / 2, 0, 0, true};
    return n;
}

static int required_in_block(const struct model_config *c, struct required *out)
{
    long q = (long)c->heads * c->head_dim, kv = (long)c->kv_heads * c->head_dim;
    long d = c->hidden, m = c->ffn;
    const struct required all[] = {
        {"attn_norm.weight", d, 0, 0, false},
        {"attn_norm.bias", d, 0, PART_NORM_BIAS, false},
        {"attn_q.weight", q, d, 0, false},
        {"attn_q.bias", q, 0, PART_QKV_BIAS, false},
        {"attn_q_norm.weight", c->head_dim, 0, PART_QK_NORM, false},
        {"attn_k.weight", kv, d, 0, false},
        {"attn_k.bias", kv, 0, PART_QKV_BIAS, false},
        {"attn_k_norm.weight", c->head_dim, 0, PART_QK_NORM, false},
        {"attn_v.weight", kv, d, 0, false},
        {"attn_v.bias", kv, 0, PART_QKV_BIAS, false},
        {"attn_output.weight", d, q, 0, false},
        {"attn_output.bias", d, 0, PART_OUT_BIAS, false},
        {"post_attention_norm.weight", d, 0, PART_POST_NORMS, false},
        {"ffn_norm.weight", d, 0, 0, false},
        {"ffn_norm.bias", d, 0, PART_NORM_BIAS, false},
        {"ffn_gate.weight", m, d, PART_GATE, false},
        {"ffn_gate.bias", m, 0, PART_GATE | PART_FFN_BIAS, false},
        {"ffn_up.weight", m, d, 0, false},
        {"ffn_up.bias", m, 0, PART_FFN_BIAS, false},
        {"ffn_down.weight", d, m, 0, false},
        {"ffn_down.bias", d, 0, PART_FFN_BIAS, false},
        {"post_ffw_norm.weight", d, 0, PART_POST_NORMS, false},
    };
    int n = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        n = add_required(c, out, n, all[i]);
    return n;
}

/* The file's own name of any tensor of a block. It shows the prefix that all names have. */
static const char *any_block_tensor(const struct weights *w)
{
    for (int i = 0; i < w->count; i++)
        if (!strncmp(w->tensor[i].name, "blk.", 4))
            return w->tensor[i].origin;
    return NULL;
}

/* The name that a tensor would have in this file, for error messages. Caller frees. */
static char *name_in_file(const struct weights *w, const char *name)
{
    const struct arch *arch = arch_of(&w->config);
    const char *part = strstr(name, ".attn_"), *dot = strrchr(name, '.');
    bool fused = arch->fused && part && strchr("qkv", part[6]) && part + 7 == dot;
    char *ours =
        fused ? xasprintf("%.*s.attn_qkv%s", (int)(part - name), name, dot) : xstrdup(name);
    char *theirs =
        w->format == &format_safetensors ? arch_file_name(arch, ours, any_block_tensor(w)) : NULL;

    if (!theirs)
        return ours;
    free(ours);
    return theirs;
}

/* Appends "rows x columns" in the file's own order. */
static void print_shape(struct buf *out, const struct tensor *t, long rows, long cols)
{
    if (t->transposed && cols)
        buf_printf(out, "%ld x %ld", cols, rows);
    else if (cols)
        buf_printf(out, "%ld x %ld", rows, cols);
    else
        buf_printf(out, "%ld", rows);
}

static bool err_wrong_shape(const struct tensor *t, const struct required *need, struct err *err)
{
    struct buf is = {0}, wanted = {0};

    for (int i = 0; i < t->ndim; i++)
        buf_printf(&is, "%s%ld", i ? " x " : "", t->dim[t->transposed ? t->ndim - 1 - i : i]);
    print_shape(&wanted, t, need->rows, need->cols);
    err_set(err, ERR_MODEL, "tensor %s is %s, not %s", t->origin, is.data, wanted.data);
    buf_free(&is);
    buf_free(&wanted);
    return false;
}

/* `t` NULL: the file has no tensor of this `name`. */
static bool check_tensor(const struct weights *w, const struct tensor *t,
                         const struct required *need, const char *name, struct err *err)
{
    char *theirs;

    if (t && t->dim[0] == need->rows && t->ndim == (need->cols ? 2 : 1) &&
        (!need->cols || t->dim[1] == need->cols))
        return true;
    if (t)
        return err_wrong_shape(t, need, err);
    if (need->optional)
        return true;
    theirs = name_in_file(w, name);
    err_set(err, ERR_MODEL, "tensor %s is missing", theirs);
    free(theirs);
    return false;
}

static bool check_required(const struct weights *w, int *met, struct err *err)
{
    struct required need[MAX_REQUIRED];
    int n = required_globals(&w->config, need);
    char name[80];

    *met = 0;
    for (int i = 0; i < n; i++) {
        const struct tensor *t = weights_tensor(w, need[i].name);

        if (!check_tensor(w, t, &need[i], need[i].name, err))
            return false;
        *met += t != NULL;
    }
    n = required_in_block(&w->config, need);
    for (int l = 0; l < w->config.layers; l++)
        for (int i = 0; i < n; i++) {
            const struct tensor *t;

            snprintf(name, sizeof(name), "blk.%d.%s", l, need[i].name);
            t = weights_tensor(w, name);
            if (!check_tensor(w, t, &need[i], name, err))
                return false;
            *met += t != NULL;
        }
    return true;
}

static bool is_required(const struct model_config *c, const char *name)
{
    struct required need[MAX_REQUIRED];
    int n = required_globals(c, need), taken = 0;
    char *end;
    long layer;

    for (int i = 0; i < n; i++)
        if (!strcmp(need[i].name, name))
            return true;
    if (strncmp(name, "blk.", 4))
        return false;
    layer = strtol(name + 4, &end, 10);
    if (layer < 0 || layer >= c->layers || *end != '.')
        return false;
    taken = (int)(end + 1 - name);
    n = required_in_block(c, need);
    for (int i = 0; i < n; i++)
        if (!strcmp(need[i].name, name + taken))
            return true;
    return false;
}

bool weights_requires(const struct model_config *c, const char *theirs)
{
    const struct arch *arch = arch_of(c);
    bool transposed, needed;
    char *ours, *fused;

    if (arch_ignored(arch, theirs))
        return false;
    ours = arch_canonical(arch, theirs, &transposed);
    fused = arch->fused ? strstr(ours, ".attn_qkv.") : NULL;
    if (fused) /* needed if attn_q is: cut "attn_qkv" down to that */
        memmove(fused + strlen(".attn_q"), fused + strlen(".attn_qkv"),
                strlen(fused + strlen(".attn_qkv")) + 1);
    needed = is_required(c, ours);
    free(ours);
    return needed;
}

/* An unknown tensor means an operation that this program does not implement, so that results would
 * be wrong: refuse the file. */
static bool check_unexpected(const struct weights *w, int met, struct err *err)
{
    if (met == w->count)
        return true;
    for (int i = 0; i < w->count; i++)
        if (!is_required(&w->config, w->tensor[i].name))
            return err_set(err, ERR_MODEL,
                           "tensor %s is not part of architecture %s as this program knows it",
                           w->tensor[i].origin, w->config.arch);
    return true;
}

/* rope_freqs.weight holds factors that the rotary frequencies are divided by. */
static bool check_rope(const struct weights *w, struct err *err)
{
    const struct tensor *t = weights_tensor(w, "rope_freqs.weight");
    float factor;

    if (!t)
        return true;
    if (t->type != DT_F32)
        return err_set(err, ERR_MODEL, "tensor rope_freqs.weight is %s, not F32",
                       dtype_name(t->type));
    for (long i = 0; i < t->dim[0]; i++) {
        memcpy(&factor, (const char *)t->data + 4 * i, 4);
        if (!(factor > 0) || !isfinite(factor))
            return err_set(err, ERR_MODEL,
                           "tensor rope_freqs.weight holds %g, not a positive number",
                           (double)factor);
    }
    return true;
}

static int compare_tensors(const void *a, const void *b)
{
    return strcmp((*(const struct tensor *const *)a)->name,
                  (*(const struct tensor *const *)b)->name);
}

/* --- q, k and v in one tensor --------------------------------------------------------------- */

/* A view of rows [first, first + rows) of a fused tensor: elements of a bias, columns of the stored
 * matrix if it is transposed. */
static struct tensor fused_part(const struct tensor *t, const char *part, long first, long rows)
{
    const char *dot = strrchr(t->name, '.');
    struct tensor out = *t;
    int layer = (int)strtol(t->name + 4, NULL, 10);
    size_t skip = t->transposed || t->ndim == 1
                      ? dtype_row_bytes(t->type, first)
                      : (size_t)first * dtype_row_bytes(t->type, t->dim[1]);

    out.name = xasprintf("blk.%d.%s%s", layer, part, dot);
    out.origin = xstrdup(t->origin);
    out.data = (const char *)t->data + skip;
    out.dim[0] = rows;
    out.bytes = t->ndim == 1 ? dtype_row_bytes(t->type, rows)
                             : (size_t)rows * dtype_row_bytes(t->type, t->dim[1]);
    if (t->transposed)
        out.stride = t->dim[0];
    return out;
}

static bool is_fused(const struct tensor *t)
{
    return !strncmp(t->name, "blk.", 4) && strstr(t->name, ".attn_qkv.") && t->ndim <= 2;
}

/* GPT-2 stores q, k and v, in this order, as one tensor. Replaces each by three views of it. */
static bool split_fused(struct weights *w, struct err *err)
{
    const struct model_config *c = &w->config;
    long q = (long)c->heads * c->head_dim, kv = (long)c->kv_heads * c->head_dim;
    int fused = 0, n = w->count;

    for (int i = 0; i < n; i++)
        fused += is_fused(&w->tensor[i]);
    if (!fused || !arch_of(c)->fused)
        return true;
    w->tensor = xrealloc(w->tensor, (size_t)(n + 2 * fused) * sizeof(*w->tensor));
    for (int i = 0; i < n; i++) {
        struct tensor t = w->tensor[i];

        if (!is_fused(&t))
            continue;
        if (t.dim[0] != q + 2 * kv)
            return err_set(err, ERR_MODEL, "tensor %s has %ld rows, not %ld", t.origin, t.dim[0],
                           q + 2 * kv);
        w->tensor[i] = fused_part(&t, "attn_q", 0, q);
        w->tensor[w->count++] = fused_part(&t, "attn_k", q, kv);
        w->tensor[w->count++] = fused_part(&t, "attn_v", q + kv, kv);
        free(t.name);
        free(t.origin);
    }
    return true;
}

/* Two tensors map to one name: the same tensor is in two shards, or has two names in the file. */
static bool err_duplicate(const struct weights *w, const struct tensor *a, const struct tensor *b,
                          struct err *err)
{
    const char *file = b->file < w->files ? strrchr(w->file[b->file], '/') : NULL;

    if (strcmp(a->origin, b->origin) != 0)
        return err_set(err, ERR_MODEL, "tensor %s appears twice, also as %s", a->origin, b->origin);
    return err_set(err, ERR_MODEL, "tensor %s appears twice%s%s", a->origin,
                   file ? ", also in " : "", file ? file + 1 : "");
}

bool weights_check(struct weights *w, struct err *err)
{
    int met;

    for (int i = 0; i < w->count; i++)
        if (!w->tensor[i].origin)
            w->tensor[i].origin = xstrdup(w->tensor[i].name);
    if (!config_check(&w->config, err) || !split_fused(w, err))
        return false;
    w->by_name = xcalloc((size_t)w->count + 1, sizeof(struct tensor *));
    for (int i = 0; i < w->count; i++)
        w->by_name[i] = &w->tensor[i];
    qsort(w->by_name, (size_t)w->count, sizeof(struct tensor *), compare_tensors);
    for (int i = 1; i < w->count; i++)
        if (!strcmp(w->by_name[i - 1]->name, w->by_name[i]->name))
            return err_duplicate(w, w->by_name[i - 1], w->by_name[i], err);
    if (w->gguf.values) /* GGUF has no key for it; config.json has */
        w->config.tied = !weights_tensor(w, "output.weight");
    return check_required(w, &met, err) && check_unexpected(w, met, err) && check_rope(w, err);
}

/* --- open and close -------------------------------------------------------------------- */

static char *folder_of(const char *path)
{
    char *copy = xstrdup(path), *slash = strrchr(copy, '/');

    if (!slash) {
        free(copy);
        return xstrdup(".");
    }
    slash[slash == copy] = '\0';
    return copy;
}

static void name_after_path(struct weights *w)
{
    const char *end = w->path + strlen(w->path), *start;

    if (w->config.name[0])
        return;
    while (end > w->path && end[-1] == '/')
        end--;
    for (start = end; start > w->path && start[-1] != '/';)
        start--;
    snprintf(w->config.name, sizeof(w->config.name), "%.*s", (int)(end - start), start);
}

static const struct format_ops *format_of(const char *path)
{
    for (int i = 0; formats[i]; i++)
        if (formats[i]->accepts(path))
            return formats[i];
    return NULL;
}

static struct weights *weights_begin(const char *path, const struct format_ops *format)
{
    struct weights *w = xcalloc(1, sizeof(*w));

    w->path = xstrdup(path);
    w->dir = folder_of(path);
    w->format = format;
    return w;
}

/* Returns w; or, if opening failed, frees it and sets err to `why` with the path in front. */
static struct weights *weights_finish(struct weights *w, bool ok, struct err *why, struct err *err)
{
    const char *path = w->path;

    if (ok) {
        name_after_path(w);
        return w;
    }
    why->kind = ERR_MODEL;
    if (strncmp(why->text, path, strlen(path)) != 0) /* file_map() has named the path already */
        err_in(why, "%s", path);
    err_pass(err, why);
    weights_close(w);
    return NULL;
}

/* Says why the path is not a model. Returns false. */
static bool err_not_a_model(const char *path, struct err *err)
{
    const char *is = file_type_name(file_type_of_path(path));
    struct stat st;

    if (!stat(path, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return err_set(
            err, ERR_MODEL,
            "a model cannot be read from a pipe, since it is mapped and hashed: write it "
            "to a file first");
    if (!file_exists(path))
        return err_set(err, ERR_MODEL, "no such file or folder");
    return err_set(
        err, ERR_MODEL,
        "%s%snot a model: give a .gguf file or a folder with config.json and safetensors",
        is ? is : "", is ? ", " : "");
}

struct weights *weights_open(const char *path, struct err *err)
{
    struct weights *w = weights_begin(path, format_of(path));
    struct err why = {0};
    bool ok;

    if (!w->format)
        ok = err_not_a_model(path, &why);
    else
        ok = w->format->read(w, &why) && weights_check(w, &why);
    return weights_finish(w, ok, &why, err);
}

struct weights *weights_open_vocabulary(const char *path, struct err *err)
{
    struct weights *w = weights_begin(path, &format_gguf);
    struct err why = {0};
    bool ok;

    w->map = xcalloc(1, sizeof(*w->map));
    w->maps = 1;
    ok = file_map(w->map, path, &why) && gguf_parse(&w->gguf, w->map->data, w->map->size, &why);
    return weights_finish(w, ok, &why, err);
}

void weights_close(struct weights *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->count; i++) {
        free(w->tensor[i].name);
        free(w->tensor[i].origin);
    }
    free(w->tensor);
    free(w->by_name);
    gguf_free(&w->gguf);
    for (int i = 0; i < w->shards; i++)
        safetensors_close(w->shard[i]);
    free(w->shard);
    for (int i = 0; i < w->maps; i++)
        file_unmap(&w->map[i]);
    free(w->map);
    for (int i = 0; i < w->files; i++)
        free(w->file[i]);
    free(w->file);
    free(w->path);
    free(w->dir);
    free(w->note);
    free(w);
}

void make_printable_ascii(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
}

void weights_add_file(struct weights *w, const char *path)
{
    w->file = xrealloc(w->file, (size_t)(w->files + 1) * sizeof(*w->file));
    w->file[w->files++] = xstrdup(path);
}

/* --- access ---------------------------------------------------------------------------- */

const struct tensor *weights_tensor(const struct weights *w, const char *name)
{
    int low = 0, high = w->count;

    while (low < high) {
        int middle = low + (high - low) / 2, order = strcmp(name, w->by_name[middle]->name);

        if (order == 0)
            return w->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int weights_count(const struct weights *w)
{
    return w->count;
}

const struct tensor *weights_at(const struct weights *w, int i)
{
    return &w->tensor[i];
}

const struct model_config *weights_config(const struct weights *w)
{
    return &w->config;
}

void weights_prefetch(const struct weights *w, const char *start)
{
    size_t n = strlen(start);

    for (int i = 0; i < w->count; i++)
        if (!strncmp(w->tensor[i].name, start, n))
            file_prefetch(w->tensor[i].data, w->tensor[i].bytes);
}

const char *weights_path(const struct weights *w)
{
    return w->path;
}

const char *weights_dir(const struct weights *w)
{
    return w->dir;
}

const char *weights_format(const struct weights *w)
{
    return w->format->name;
}

const char *weights_note(const struct weights *w)
{
    return w->note;
}

int weights_files(const struct weights *w)
{
    return w->files;
}

const char *weights_file(const struct weights *w, int i)
{
    return w->file[i];
}
