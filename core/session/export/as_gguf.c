/* Exporter "gguf": the edited model as a GGUF file.
 *
 * Metadata and all unedited tensors are copied byte for byte. The edited ones become F32 (exact,
 * the default), F16, BF16, or their own type again ("same"). Since an F32 tensor is longer than the
 * quantised one it replaces, the offsets of the tensors after it change and the list of tensors is
 * written again:
 *
 *   header, metadata     the source's bytes
 *   list of tensors      names and shapes as before; new types and offsets
 *   padding
 *   data                 each tensor padded to general.alignment (32 if it is not set) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/gguf.h"
#include "core/session/export/export.h"

struct gguf_source {
    struct file_map map;
    struct gguf g;
    int fd;
    size_t infos;                      /* offset of the list of tensors */
    size_t align;                      /* general.alignment */
    int edited;                        /* number of edited tensors in the file */
    enum dtype *type;                  /* [tensors] in the new file */
    struct export_matrix const **edit; /* [tensors] NULL: not edited */
    size_t *bytes;                     /* [tensors] in the new file */
};

/* GGUF's number of a type, for the types that can be in the new file. */
static unsigned gguf_type_number(enum dtype type)
{
    static const unsigned char number[DT_COUNT] = {
        [DT_F16] = 1,   [DT_Q4_0] = 2,  [DT_Q4_1] = 3,  [DT_Q5_0] = 6,
        [DT_Q5_1] = 7,  [DT_Q8_0] = 8,  [DT_Q2_K] = 10, [DT_Q3_K] = 11,
        [DT_Q4_K] = 12, [DT_Q5_K] = 13, [DT_Q6_K] = 14, [DT_BF16] = 30,
    };

    return number[type];
}

/* One past the last byte of a metadata value. The file was parsed, so it is within the map. */
static const uint8_t *value_end(const struct gguf_value *v)
{
    static const unsigned char size[GGUF_KINDS] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
        [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
        [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    const uint8_t *at = v->data;
    size_t len;

    if (v->kind != GGUF_STRING)
        return at + v->count * size[v->kind];
    for (uint64_t i = 0; i < v->count; i++)
        gguf_string(&at, &len);
    return at;
}

static size_t pad_to_alignment(const struct gguf_source *in, size_t n)
{
    return (n + in->align - 1) & ~(in->align - 1);
}

/* Maps and parses the model's file. */
static bool open_source(struct gguf_source *in, const char *path, struct err *err)
{
    const struct gguf_value *v;
    long long align = 32;

    *in = (struct gguf_source){.fd = -1};
    if (!file_map(&in->map, path, err))
        return false;
    if (!gguf_parse(&in->g, in->map.data, in->map.size, err))
        return err_in(err, "%s", path);
    in->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    in->infos = 24;
    for (int i = 0; i < in->g.values; i++) {
        size_t end = (size_t)(value_end(&in->g.value[i]) - in->map.data);

        in->infos = end > in->infos ? end : in->infos;
    }
    v = gguf_find(&in->g, "general.alignment");
    if (v)
        gguf_int(v, 0, &align);
    in->align = (size_t)align;
    return true;
}

static void close_source(struct gguf_source *in)
{
    gguf_free(&in->g);
    file_unmap(&in->map);
    if (in->fd >= 0)
        close(in->fd);
    free(in->type);
    free(in->edit);
    free(in->bytes);
    *in = (struct gguf_source){.fd = -1};
}

/* Decides type and size of every tensor in the new file. */
static bool plan_tensors(struct gguf_source *in, const struct export_source *s,
                         const struct export_options *options, struct err *err)
{
    size_t n = (size_t)in->g.tensors + 1;

    in->type = xcalloc(n, sizeof(*in->type));
    in->edit = xcalloc(n, sizeof(*in->edit));
    in->bytes = xcalloc(n, sizeof(*in->bytes));
    for (int i = 0; i < in->g.tensors; i++) {
        const struct tensor *t = &in->g.tensor[i];

        in->type[i] = t->type;
        in->bytes[i] = t->bytes;
        in->edit[i] = export_edited(s, t->name);
        if (!in->edit[i])
            continue;
        if (t->ndim != 2 || t->dim[0] != in->edit[i]->rows || t->dim[1] != in->edit[i]->cols)
            return err_set(err, ERR_FORMAT,
                           "tensor %s does not have the shape of the edited matrix", t->name);
        if (!export_type(options, DT_F32, t->type, &in->type[i], err))
            return false;
        in->bytes[i] = dtype_row_bytes(in->type[i], t->dim[1]) * (size_t)t->dim[0];
        in->edited++;
    }
    return in->edited == s->matrices ||
           err_set(err, ERR_FORMAT, "only %d of the %d edited tensors are in the model's file",
                   in->edited, s->matrices);
}

static void put_little_endian(struct buf *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add(b, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}

/* The new list of tensors. GGUF stores dimensions in reverse order. */
static void write_tensor_infos(const struct gguf_source *in, struct buf *out)
{
    size_t offset = 0;

    for (int i = 0; i < in->g.tensors; i++) {
        const struct tensor *t = &in->g.tensor[i];

        put_little_endian(out, strlen(t->name), 8);
        buf_puts(out, t->name);
        put_little_endian(out, (uint64_t)t->ndim, 4);
        for (int d = t->ndim - 1; d >= 0; d--)
            put_little_endian(out, (uint64_t)t->dim[d], 8);
        put_little_endian(out, gguf_type_number(in->type[i]), 4);
        put_little_endian(out, offset, 8);
        offset += pad_to_alignment(in, in->bytes[i]);
    }
}

/* Tensor i: the source's bytes, or the edited matrix in its new type. */
static bool write_tensor(const struct gguf_source *in, int i, struct staged_file *file,
                         double *loss2, struct err *err)
{
    const struct tensor *t = &in->g.tensor[i];
    size_t from = (size_t)((const unsigned char *)t->data - in->map.data), bytes;
    void *data;
    bool ok;

    if (!in->edit[i])
        return staged_file_copy(file, in->fd, from, t->data, t->bytes, err);
    data = export_encode(in->edit[i], in->type[i], false, in->type[i] == t->type ? t->data : NULL,
                         loss2, &bytes, err);
    ok = data && staged_file_put(file, data, bytes, err);
    free(data);
    return ok;
}

/* Writes the file in order. `total` is known before the first byte, for staged_file_begin(). */
static bool write_file(const struct gguf_source *in, struct staging_dir *staging, double *loss2,
                       struct err *err)
{
    const char *slash = strrchr(staging->target, '/');
    struct buf infos = {0};
    size_t head, total;
    struct staged_file file = {.fd = -1};
    bool ok;

    write_tensor_infos(in, &infos);
    head = in->infos + infos.len;
    total = pad_to_alignment(in, head);
    for (int i = 0; i < in->g.tensors; i++)
        total += pad_to_alignment(in, in->bytes[i]);
    ok = staged_file_begin(&file, staging, slash + 1, total, err) &&
         staged_file_copy(&file, in->fd, 0, in->map.data, in->infos, err) &&
         staged_file_put(&file, infos.data, infos.len, err) &&
         staged_file_zeros(&file, pad_to_alignment(in, head) - head, err);
    for (int i = 0; ok && i < in->g.tensors; i++)
        ok = write_tensor(in, i, &file, loss2, err) &&
             staged_file_zeros(&file, pad_to_alignment(in, in->bytes[i]) - in->bytes[i], err);
    buf_free(&infos);
    return staged_file_end(&file, ok, err);
}

/* export_ops.write */
static bool write_gguf(const struct export_source *s, const struct export_options *options,
                       struct staging_dir *staging, struct export_result *r, struct err *err)
{
    struct gguf_source in = {.fd = -1};
    enum dtype type;
    struct export_fusion fusion;
    double loss2 = 0;
    bool ok;

    if (!export_type(options, DT_F32, DT_F32, &type, err)) /* checked even if nothing was edited */
        return false;
    if (options->rank)
        return err_set(err, ERR_USAGE, "--rank is for an adapter (--as lora)");
    if (!file_ends_in(staging->target, ".gguf"))
        return err_set(err, ERR_USAGE, "%s: the name of a GGUF file must end in .gguf",
                       staging->target);
    if (strcmp(weights_format(s->weights), "gguf"))
        return err_set(err, ERR_USAGE,
                       "the model was read from safetensors files; export --as safetensors and "
                       "convert that with llama.cpp's convert_hf_to_gguf.py");
    ok = export_fuse(s, &fusion, err) && open_source(&in, weights_file(s->weights, 0), err) &&
         plan_tensors(&in, &fusion.source, options, err) && write_file(&in, staging, &loss2, err);
    for (int i = 0; ok && i < in.g.tensors; i++)
        if (in.edit[i])
            snprintf(r->dtype, sizeof(r->dtype), "%s", dtype_name(in.type[i]));
    export_loss(&fusion.source, loss2, r);
    close_source(&in);
    export_fusion_free(&fusion);
    return ok;
}

const struct export_ops export_gguf = {
    "gguf", HOLDS_DELTAS, false, false, "the edited model as a GGUF file", write_gguf, NULL};
