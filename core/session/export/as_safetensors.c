/* The edited model as the folder transformers reads.
 *
 * From safetensors files: with the types kept, their headers are used again as they are and every
 * byte outside the edited tensors is the source's; shards, index, configuration and tokenizer
 * files stay what they were. With another type the whole checkpoint is converted, and config.json
 * says so in the one word that names it. From a GGUF file: hf_folder.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

#define INDEX "model.safetensors.index.json"

enum { ROWS_AT_ONCE = 1 << 18, MAX_JSON = 64 << 20 };

/* One of the source's files, and where the edited tensors are in it. */
struct shard {
    const char *path, *name;
    struct file_map map;
    struct safetensors *st;
    int fd;
};

static bool shard_open(struct shard *s, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct err why = {0};

    *s = (struct shard){.path = path, .name = slash ? slash + 1 : path, .fd = -1};
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

static bool fits(const struct export_matrix *l, const struct st_tensor *t, bool transposed,
                 struct err *err)
{
    enum dtype type;

    return (t->ndim == 2 && t->dim[0] == (transposed ? l->cols : l->rows) &&
            t->dim[1] == (transposed ? l->rows : l->cols) && st_type_dtype(t->type, &type)) ||
           err_set(err, ERR_FORMAT, "tensor %s is not what layer %d was read from", t->name,
                   l->layer);
}

/* --- types kept ------------------------------------------------------------------------------ */

static size_t offset_of(const struct shard *s, const struct st_tensor *t)
{
    return (size_t)((const unsigned char *)t->data - s->map.data);
}

static bool put_edited(struct staged_file *o, const struct export_matrix *l,
                       const struct st_tensor *t, bool transposed, double *lost2, struct err *err)
{
    enum dtype type = DT_F32;
    size_t bytes;
    void *data;
    bool ok;

    if (!fits(l, t, transposed, err) || !st_type_dtype(t->type, &type))
        return false;
    data = export_encode(l, type, transposed, t->data, lost2, &bytes, err);
    ok = data && staged_file_put(o, data, bytes, err);
    free(data);
    return ok;
}

/* Header and everything between the edited tensors are the source's bytes. */
static bool write_kept(const struct export_source *s, struct shard *in, struct staging_dir *p,
                       const char *name, int *found, double *lost2, struct err *err)
{
    bool transposed = hf_transposed(weights_config(s->weights));
    struct staged_file o;
    bool ok = staged_file_begin(&o, p, name, in->map.size, err);
    size_t at = 0;

    for (int i = 0; ok && i < safetensors_count(in->st); i++) {
        const struct st_tensor *t = safetensors_at(in->st, i);
        const struct export_matrix *l = export_edited(s, t->name);
        size_t from = offset_of(in, t);

        if (!l)
            continue;
        ok = staged_file_copy(&o, in->fd, at, in->map.data + at, from - at, err) &&
             put_edited(&o, l, t, transposed, lost2, err);
        at = from + t->bytes;
        ++*found;
    }
    ok = ok && staged_file_copy(&o, in->fd, at, in->map.data + at, in->map.size - at, err);
    return staged_file_end(&o, ok, err);
}

/* --- another type ------------------------------------------------------------------------------
 */

static enum st_type stored_as(enum dtype type)
{
    return type == DT_F16 ? ST_F16 : type == DT_BF16 ? ST_BF16 : ST_F32;
}

static bool put_converted(struct staged_file *o, const struct st_tensor *t, enum dtype to,
                          struct err *err)
{
    long n = st_tensor_elements(t), part = ROWS_AT_ONCE;
    size_t size = st_type_bytes(t->type);
    float *x = xmalloc((size_t)part * sizeof(*x));
    unsigned char *y = xmalloc((size_t)part * sizeof(*x));
    bool ok = true;

    for (long i = 0; ok && i < n; i += part) {
        struct st_tensor some = {.type = t->type, .ndim = 1, .dim = {n - i < part ? n - i : part}};

        some.data = (const unsigned char *)t->data + (size_t)i * size;
        st_tensor_floats(&some, x);
        dtype_from_float(to, x, y, some.dim[0]);
        ok = staged_file_put(o, y, (size_t)some.dim[0] * dtype_block_bytes(to), err);
    }
    free(x);
    free(y);
    return ok;
}

static bool write_converted(const struct export_source *s, struct shard *in, struct staging_dir *p,
                            const char *name, enum dtype to, int *found, double *lost2,
                            struct err *err)
{
    bool transposed = hf_transposed(weights_config(s->weights)), ok;
    int count = safetensors_count(in->st);
    struct st_tensor *t = xcalloc((size_t)count + 1, sizeof(*t));
    struct buf header = {0};
    struct staged_file o = {.fd = -1};
    size_t total = 0;
    enum dtype is;

    for (int i = 0; i < count; i++) {
        t[i] = *safetensors_at(in->st, i);
        if (st_type_dtype(t[i].type, &is)) { /* integers and masks stay */
            t[i].type = stored_as(to);
            t[i].bytes = 0;
        }
    }
    ok = safetensors_layout(t, count, NULL, 0, &header, err);
    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&o, p, name, header.len + total, err) &&
         staged_file_put(&o, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++) {
        const struct st_tensor *from = safetensors_tensor(in->st, t[i].name);
        const struct export_matrix *l = export_edited(s, from->name);
        struct st_tensor as = t[i];

        as.data = NULL; /* its bytes are of another type */
        *found += l != NULL;
        if (l)
            ok = put_edited(&o, l, &as, transposed, lost2, err);
        else if (from->type == t[i].type)
            ok = staged_file_put(&o, from->data, from->bytes, err);
        else
            ok = put_converted(&o, from, to, err);
    }
    ok = staged_file_end(&o, ok, err);
    buf_free(&header);
    free(t);
    return ok;
}

/* The next text that is the value of a "torch_dtype" or "dtype", or NULL. */
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

/* config.json with every such type replaced (a part of the model may name its own), and not one
 * byte more. */
static bool put_config(struct staging_dir *p, const char *from, enum dtype to, struct err *err)
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
    ok = staging_put(p, "config.json", out.data, out.len, err);
    buf_free(&out);
    free(text);
    return ok;
}

/* The index with its total_size replaced. */
static bool put_index(struct staging_dir *p, const char *from, struct err *err)
{
    size_t len = 0, total = 0;
    char *text = file_read(from, MAX_JSON, &len, err), *at, *digits;
    struct buf out = {0};
    bool ok = true;

    if (!text)
        return false;
    for (int i = 0; ok && i < p->files; i++) {
        char *path = staging_path(p, p->file[i].name);
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
    ok = ok && staging_put(p, INDEX, out.data, out.len, err);
    buf_free(&out);
    free(text);
    return ok;
}

/* --- the folder --------------------------------------------------------------------------------
 */

/* What belongs to a model besides its weights. */
static bool companion(const char *name)
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

static bool copy_companion(const struct export_source *s, struct staging_dir *p, const char *name,
                           bool convert, enum dtype to, struct err *err)
{
    char *from = xasprintf("%s/%s", weights_dir(s->weights), name);
    bool ok;

    if (convert && !strcmp(name, "config.json"))
        ok = put_config(p, from, to, err);
    else
        ok = staging_copy(p, name, from, err);
    free(from);
    return ok;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool copy_companions(const struct export_source *s, struct staging_dir *p, bool convert,
                            enum dtype to, struct err *err)
{
    DIR *dir = opendir(weights_dir(s->weights));
    char **name = NULL;
    struct dirent *d;
    bool ok =
        dir != NULL || err_set(err, ERR_IO, "%s: %s", weights_dir(s->weights), strerror(errno));
    int n = 0;

    while (dir && (d = readdir(dir)))
        if (companion(d->d_name)) {
            name = xrealloc(name, (size_t)(n + 1) * sizeof(*name));
            name[n++] = xstrdup(d->d_name);
        }
    if (dir)
        closedir(dir);
    if (n)
        qsort(name, (size_t)n, sizeof(*name), by_text);
    for (int i = 0; i < n; i++) {
        ok = ok && copy_companion(s, p, name[i], convert, to, err);
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

static bool from_folder(const struct export_source *s, const struct export_options *options,
                        struct staging_dir *p, struct export_result *r, struct err *err)
{
    bool convert = options->dtype && strcmp(options->dtype, "same") != 0, ok = true;
    enum dtype to = DT_F32;
    double lost2 = 0;
    const char *index = NULL; /* if it was what named the files */
    int found = 0;
    size_t bytes = 0;

    if (!export_type(options, DT_F32, DT_F32, &to, err))
        return false;
    for (int i = 0; i < weights_files(s->weights); i++)
        if (file_ends_in(weights_file(s->weights, i), "/" INDEX))
            index = weights_file(s->weights, i);
    for (int i = 0; i < weights_count(s->weights); i++) /* of all shards together */
        bytes += convert ? elements_of(weights_at(s->weights, i)) * dtype_block_bytes(to)
                         : weights_at(s->weights, i)->bytes;
    if (!staging_room(p, bytes, err))
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
            ok = write_converted(s, &in, p, name, to, &found, &lost2, err);
        else if (ok)
            ok = write_kept(s, &in, p, name, &found, &lost2, err);
        shard_close(&in);
    }
    if (ok && found != s->matrices)
        ok = err_set(err, ERR_FORMAT, "%d of the %d edited tensors are in the model's files", found,
                     s->matrices);
    if (ok && index && convert)
        ok = put_index(p, index, err);
    else if (ok && index)
        ok = staging_copy(p, INDEX, index, err);
    ok = ok && copy_companions(s, p, convert, to, err);
    snprintf(r->dtype, sizeof(r->dtype), "%s", convert ? dtype_name(to) : "as it was");
    export_loss(s, lost2, r);
    return ok;
}

static bool write_folder(const struct export_source *s, const struct export_options *options,
                         struct staging_dir *p, struct export_result *r, struct err *err)
{
    struct export_fusion fusion;
    bool ok;

    if (options->rank)
        return err_set(err, ERR_USAGE, "--rank is for an adapter (--as lora)");
    ok = export_fuse(s, &fusion, err) &&
         (strcmp(weights_format(s->weights), "gguf") ? from_folder : export_gguf_as_folder)(
             &fusion.source, options, p, r, err);
    export_fusion_free(&fusion);
    return ok;
}

const struct export_ops export_safetensors = {
    "safetensors", HOLDS_DELTAS, true, false, "the edited model as a folder for transformers",
    write_folder,  NULL};
