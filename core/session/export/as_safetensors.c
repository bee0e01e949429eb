/* Exporter "safetensors": the edited model as a folder for transformers.
 *
 * From safetensors files without --dtype, only the bytes of the edited tensors change. Headers,
 * other tensors, shards, index, configuration and tokenizer are copied. With --dtype the whole
 * model is converted to that type, and config.json names the new type. A model from a GGUF file is
 * written by hf_folder.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

#define INDEX "model.safetensors.index.json"

enum { VALUES_AT_ONCE = 1 << 18, MAX_JSON = 64 << 20 };

/* One safetensors file of the source model. */
struct shard {
    const char *path, *name;
    struct file_map map;
    struct safetensors *st;
    int fd;
};

static bool shard_open(struct shard *s, const char *path, struct err *err)
{
    struct err why = {0};

    *s = (struct shard){.path = path, .name = file_name(path), .fd = -1};
    if (!file_map(&s->map, path, err))
        return false;
    s->st = safetensors_parse(s->map.data, s->map.size, &why);
    if (!s->st) {
        err_in(&why, "%s", path);
        return err_pass(err, &why);
    }
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    return s->fd >= 0 || err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static void shard_close(struct shard *s)
{
    safetensors_close(s->st);
    file_unmap(&s->map);
    if (s->fd >= 0)
        close(s->fd);
    *s = (struct shard){.fd = -1};
}

/* Whether a tensor of the file has the shape of the edited matrix. */
static bool shape_matches(const struct export_matrix *l, const struct st_tensor *t, bool transposed,
                          struct err *err)
{
    enum dtype type;

    return (t->ndim == 2 && t->dim[0] == (transposed ? l->cols : l->rows) &&
            t->dim[1] == (transposed ? l->rows : l->cols) && st_type_dtype(t->type, &type)) ||
           err_set(err, ERR_FORMAT,
                   "tensor %s does not have the shape of the edited matrix of layer %d", t->name,
                   l->layer);
}

/* --- types as they are ----------------------------------------------------------------------- */

static size_t offset_of(const struct shard *s, const struct st_tensor *t)
{
    return (size_t)((const unsigned char *)t->data - s->map.data);
}

/* Writes an edited matrix in the type of tensor t. */
static bool write_edited(struct staged_file *file, const struct export_matrix *l,
                         const struct st_tensor *t, bool transposed, double *loss2, struct err *err)
{
    enum dtype type = DT_F32;
    size_t bytes;
    void *data;
    bool ok;

    if (!shape_matches(l, t, transposed, err) || !st_type_dtype(t->type, &type))
        return false;
    data = export_encode(l, type, transposed, t->data, loss2, &bytes, err);
    ok = data && staged_file_put(file, data, bytes, err);
    free(data);
    return ok;
}

/* Copies a shard, header included, with the edited tensors replaced. *found counts them. */
static bool write_kept(const struct export_source *s, struct shard *in, struct staging_dir *staging,
                       const char *name, int *found, double *loss2, struct err *err)
{
    bool transposed = hf_transposed(weights_config(s->weights));
    struct staged_file file;
    bool ok = staged_file_begin(&file, staging, name, in->map.size, err);
    size_t at = 0;

    for (int i = 0; ok && i < safetensors_count(in->st); i++) {
        const struct st_tensor *t = safetensors_at(in->st, i);
        const struct export_matrix *l = export_edited(s, t->name);
        size_t from = offset_of(in, t);

        if (!l)
            continue;
        ok = staged_file_copy(&file, in->fd, at, in->map.data + at, from - at, err) &&
             write_edited(&file, l, t, transposed, loss2, err);
        at = from + t->bytes;
        ++*found;
    }
    ok = ok && staged_file_copy(&file, in->fd, at, in->map.data + at, in->map.size - at, err);
    return staged_file_end(&file, ok, err);
}

/* --- another
 * type ------------------------------------------------------------------------------ */

static enum st_type st_type_of(enum dtype type)
{
    return type == DT_F16 ? ST_F16 : type == DT_BF16 ? ST_BF16 : ST_F32;
}

/* Writes an unedited tensor in another type, VALUES_AT_ONCE values at a time. */
static bool convert_tensor(struct staged_file *file, const struct st_tensor *t, enum dtype to,
                           struct err *err)
{
    long n = st_tensor_elements(t), part = VALUES_AT_ONCE;
    size_t size = st_type_bytes(t->type);
    float *x = xmalloc((size_t)part * sizeof(*x));
    unsigned char *y = xmalloc((size_t)part * sizeof(*x));
    bool ok = true;

    for (long i = 0; ok && i < n; i += part) {
        struct st_tensor some = {.type = t->type, .ndim = 1, .dim = {n - i < part ? n - i : part}};

        some.data = (const unsigned char *)t->data + (size_t)i * size;
        st_tensor_floats(&some, x);
        dtype_from_float(to, x, y, some.dim[0]);
        ok = staged_file_put(file, y, (size_t)some.dim[0] * dtype_block_bytes(to), err);
    }
    free(x);
    free(y);
    return ok;
}

/* Writes a shard with all floating-point tensors in another type. */
static bool write_converted(const struct export_source *s, struct shard *in,
                            struct staging_dir *staging, const char *name, enum dtype to,
                            int *found, double *loss2, struct err *err)
{
    bool transposed = hf_transposed(weights_config(s->weights)), ok;
    int count = safetensors_count(in->st);
    struct st_tensor *t = xcalloc((size_t)count + 1, sizeof(*t));
    struct buf header = {0};
    struct staged_file file = {.fd = -1};
    size_t total = 0;
    enum dtype is;

    for (int i = 0; i < count; i++) {
        t[i] = *safetensors_at(in->st, i);
        if (st_type_dtype(t[i].type, &is)) { /* integers and masks keep their type */
            t[i].type = st_type_of(to);
            t[i].bytes = 0;
        }
    }
    ok = safetensors_layout(t, count, NULL, 0, &header, err);
    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&file, staging, name, header.len + total, err) &&
         staged_file_put(&file, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++) {
        const struct st_tensor *from = safetensors_tensor(in->st, t[i].name);
        const struct export_matrix *l = export_edited(s, from->name);
        struct st_tensor as = t[i];

        as.data = NULL; /* the source's bytes are of another type */
        *found += l != NULL;
        if (l)
            ok = write_edited(&file, l, &as, transposed, loss2, err);
        else if (from->type == t[i].type)
            ok = staged_file_put(&file, from->data, from->bytes, err);
        else
            ok = convert_tensor(&file, from, to, err);
    }
    ok = staged_file_end(&file, ok, err);
    buf_free(&header);
    free(t);
    return ok;
}

/* The next value of "torch_dtype" or "dtype" in a JSON text; NULL: no more. */
static char *next_dtype(const char *text)
{
    static const char *const keys[] = {"\"torch_dtype\"", "\"dtype\""};
    char *value = NULL;

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        char *at = strstr(text, keys[i]);

        for (; at; at = strstr(at, keys[i])) {
            at += strlen(keys[i]);
            at += strspn(at, " \t\r\n:");
            if (*at != '"')
                continue;
            value = value && value < at ? value : at + 1;
            break;
        }
    }
    return value;
}

/* Copies config.json with every such type replaced; parts of a model may name their own. No other
 * byte changes, so unknown keys and the formatting survive. */
static bool write_config(struct staging_dir *staging, const char *from, enum dtype to,
                         struct err *err)
{
    const char *word = to == DT_F16 ? "float16" : to == DT_BF16 ? "bfloat16" : "float32";
    size_t len = 0;
    char *text = file_read(from, MAX_JSON, &len, err), *rest = text, *value;
    struct buf out = {0};
    bool ok;

    if (!text)
        return false;
    while ((value = next_dtype(rest))) {
        buf_add(&out, rest, (size_t)(value - rest));
        buf_puts(&out, word);
        rest = value + strcspn(value, "\"");
    }
    buf_puts(&out, rest);
    ok = staging_put(staging, "config.json", out.data, out.len, err);
    buf_free(&out);
    free(text);
    return ok;
}

/* Copies the index with its total_size replaced: the bytes of all tensors written. */
static bool write_index(struct staging_dir *staging, const char *from, struct err *err)
{
    size_t len = 0, total = 0;
    char *text = file_read(from, MAX_JSON, &len, err), *at, *digits;
    struct buf out = {0};
    bool ok = true;

    if (!text)
        return false;
    for (int i = 0; ok && i < staging->files; i++) {
        char *path = staging_path(staging, staging->file[i].name);
        struct safetensors *st =
            file_ends_in(path, ".safetensors") ? safetensors_open(path, err) : NULL;

        ok = st || !file_ends_in(path, ".safetensors");
        for (int k = 0; st && k < safetensors_count(st); k++)
            total += safetensors_at(st, k)->bytes;
        safetensors_close(st);
        free(path);
    }
    at = strstr(text, "\"total_size\"");
    digits = at ? at + 12 + strspn(at + 12, " \t\r\n:") : NULL;
    if (ok && digits) {
        buf_add(&out, text, (size_t)(digits - text));
        buf_printf(&out, "%zu", total);
        buf_puts(&out, digits + strspn(digits, "0123456789."));
    } else {
        buf_puts(&out, text);
    }
    ok = ok && staging_put(staging, INDEX, out.data, out.len, err);
    buf_free(&out);
    free(text);
    return ok;
}

/* --- the
 * folder -------------------------------------------------------------------------------- */

/* Whether a file belongs to a model besides its weights. */
static bool is_companion(const char *name)
{
    static const char *const names[] = {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "merges.txt",
        "tokenizer.model",
        "chat_template.jinja",
        "chat_template.json",
        "preprocessor_config.json",
        "processor_config.json",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(names[i], name))
            return true;
    return !strncmp(name, "LICENSE", 7) || !strncmp(name, "NOTICE", 6);
}

static bool copy_companion(const struct export_source *s, struct staging_dir *staging,
                           const char *name, bool convert, enum dtype to, struct err *err)
{
    char *from = xasprintf("%s/%s", weights_dir(s->weights), name);
    bool ok;

    if (convert && !strcmp(name, "config.json"))
        ok = write_config(staging, from, to, err);
    else
        ok = staging_copy(staging, name, from, err);
    free(from);
    return ok;
}

/* Copies config, tokenizer and license files, sorted by name so that exports are reproducible. */
static bool copy_companions(const struct export_source *s, struct staging_dir *staging,
                            bool convert, enum dtype to, struct err *err)
{
    DIR *dir = opendir(weights_dir(s->weights));
    char **name = NULL;
    struct dirent *d;
    bool ok =
        dir != NULL || err_set(err, ERR_IO, "%s: %s", weights_dir(s->weights), strerror(errno));
    int n = 0;

    while (dir && (d = readdir(dir)))
        if (is_companion(d->d_name)) {
            name = xrealloc(name, (size_t)(n + 1) * sizeof(*name));
            name[n++] = xstrdup(d->d_name);
        }
    if (dir)
        closedir(dir);
    if (n)
        qsort(name, (size_t)n, sizeof(*name), utf8_compare);
    for (int i = 0; i < n; i++) {
        ok = ok && copy_companion(s, staging, name[i], convert, to, err);
        free(name[i]);
    }
    free(name);
    return ok;
}

static size_t elements_of(const struct tensor *t)
{
    size_t n = 1;

    for (int i = 0; i < t->ndim; i++)
        n *= (size_t)t->dim[i];
    return n;
}

/* write() for a model read from safetensors files. */
static bool write_from_safetensors(const struct export_source *s,
                                   const struct export_options *options,
                                   struct staging_dir *staging, struct export_result *r,
                                   struct err *err)
{
    bool convert = options->dtype && strcmp(options->dtype, "same") != 0, ok = true;
    enum dtype to = DT_F32;
    double loss2 = 0;
    const char *index = NULL; /* the source's shard index, if it has one */
    int found = 0;
    size_t bytes = 0;

    if (!export_type(options, DT_F32, DT_F32, &to, err))
        return false;
    for (int i = 0; i < weights_files(s->weights); i++)
        if (file_ends_in(weights_file(s->weights, i), "/" INDEX))
            index = weights_file(s->weights, i);
    for (int i = 0; i < weights_count(s->weights); i++) /* room for all shards together */
        bytes += convert ? elements_of(weights_at(s->weights, i)) * dtype_block_bytes(to)
                         : weights_at(s->weights, i)->bytes;
    if (!staging_room(staging, bytes, err))
        return false;
    for (int i = 0; ok && i < weights_files(s->weights); i++) {
        const char *path = weights_file(s->weights, i);
        struct shard in = {.fd = -1};
        const char *name;

        if (!file_ends_in(path, ".safetensors"))
            continue;
        ok = shard_open(&in, path, err);
        name = index ? in.name : "model.safetensors";
        if (ok && convert)
            ok = write_converted(s, &in, staging, name, to, &found, &loss2, err);
        else if (ok)
            ok = write_kept(s, &in, staging, name, &found, &loss2, err);
        shard_close(&in);
    }
    if (ok && found != s->matrices)
        ok = err_set(err, ERR_FORMAT, "only %d of the %d edited tensors are in the model's files",
                     found, s->matrices);
    if (ok && index && convert)
        ok = write_index(staging, index, err);
    else if (ok && index)
        ok = staging_copy(staging, INDEX, index, err);
    ok = ok && copy_companions(s, staging, convert, to, err);
    snprintf(r->dtype, sizeof(r->dtype), "%s", convert ? dtype_name(to) : "as it was");
    export_loss(s, loss2, r);
    return ok;
}

/* export_ops.write, for both kinds of source. */
static bool write_folder(const struct export_source *s, const struct export_options *options,
                         struct staging_dir *staging, struct export_result *r, struct err *err)
{
    struct export_fusion fusion;
    bool ok;

    if (options->rank)
        return err_set(err, ERR_USAGE, "--rank is for an adapter (--as lora)");
    ok = export_fuse(s, &fusion, err) &&
         (strcmp(weights_format(s->weights), "gguf")
              ? write_from_safetensors
              : export_gguf_as_folder)(&fusion.source, options, staging, r, err);
    export_fusion_free(&fusion);
    return ok;
}

const struct export_ops export_safetensors = {
    "safetensors", HOLDS_DELTAS, true, false, "the edited model as a folder for transformers",
    write_folder,  NULL};
