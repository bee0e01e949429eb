/* Writes safetensors files: header and data go to a temporary file, which is synced and then
 * renamed over the old one. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"

/* The official order of types, highest rank first, then names. */
static int by_type_and_name(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;

    if (x->type != y->type)
        return x->type > y->type ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool set_tensor_bytes(struct st_tensor *t, struct err *err)
{
    size_t elements = 1, bytes;
    bool over = t->ndim < 0 || t->ndim > ST_MAX_DIMS || !st_type_bytes(t->type);

    for (int i = 0; i < t->ndim && !over; i++)
        over = t->dim[i] < 0 || __builtin_mul_overflow(elements, (size_t)t->dim[i], &elements);
    if (over || __builtin_mul_overflow(elements, st_type_bytes(t->type), &bytes) ||
        (t->bytes && t->bytes != bytes))
        return err_set(err, ERR_FORMAT, "tensor %s: type, shape and size do not agree", t->name);
    t->bytes = bytes;
    return true;
}

static json_t *tensor_entry(const struct st_tensor *t, size_t begin)
{
    json_t *shape = json_array(), *offsets = json_array(), *entry = json_object();

    for (int i = 0; i < t->ndim; i++)
        json_array_append_new(shape, json_integer(t->dim[i]));
    json_array_append_new(offsets, json_integer((json_int_t)begin));
    json_array_append_new(offsets, json_integer((json_int_t)(begin + t->bytes)));
    json_object_set_new(entry, "dtype", json_string(st_type_name(t->type)));
    json_object_set_new(entry, "shape", shape);
    json_object_set_new(entry, "data_offsets", offsets);
    return entry;
}

static bool add_metadata(json_t *root, const struct st_meta *meta, int metas, struct err *err)
{
    json_t *object = json_object();

    json_object_set_new(root, "__metadata__", object);
    for (int i = 0; i < metas; i++)
        if (json_object_set_new(object, meta[i].key, json_string(meta[i].value)))
            return err_set(err, ERR_FORMAT, "metadata '%s' is not UTF-8", meta[i].key);
    if (!json_object_get(object, "format")) /* transformers refuses a file without it */
        json_object_set_new(object, "format", json_string("pt"));
    return true;
}

/* Appends the u64 length and the JSON, padded to 8 bytes. `tensor` is in file order. */
static bool make_header(struct buf *out, const struct st_tensor *tensor, int count,
                        const struct st_meta *meta, int metas, struct err *err)
{
    json_t *root = json_object();
    bool ok = add_metadata(root, meta, metas, err);
    size_t begin = 0, len;
    char *text = NULL;

    for (int i = 0; i < count && ok; i++) {
        if (json_object_get(root, tensor[i].name))
            ok = err_set(err, ERR_FORMAT, "tensor %s is given twice", tensor[i].name);
        else if (json_object_set_new(root, tensor[i].name, tensor_entry(&tensor[i], begin)))
            ok = err_set(err, ERR_FORMAT, "the name of tensor %d is not UTF-8", i);
        begin += tensor[i].bytes;
    }
    if (ok) {
        text = json_dumps(root, JSON_COMPACT);
        ok = text || err_set(err, ERR_LIMIT, "not enough memory for the header");
    }
    if (ok) {
        len = (strlen(text) + 7) & ~(size_t)7;
        for (int i = 0; i < 8; i++)
            buf_add(out, &(unsigned char){(unsigned char)((uint64_t)len >> 8 * i)}, 1);
        buf_puts(out, text);
        while (out->len < 8 + len)
            buf_puts(out, " ");
    }
    free(text);
    json_decref(root);
    return ok;
}

static bool write_bytes(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n) {
        ssize_t done = write(fd, at, n < 1 << 30 ? n : 1 << 30);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

/* Returns 0 or an errno. Reserves the space first, so that a full disk fails at once. */
static int write_file(int fd, const struct buf *header, const struct st_tensor *tensor, int count)
{
    off_t total = (off_t)header->len;
    int why;

    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(total, (off_t)tensor[i].bytes, &total))
            return EFBIG;
    why = posix_fallocate(fd, 0, total);
    if (why && why != EINVAL && why != EOPNOTSUPP)
        return why;
    if (!write_bytes(fd, header->data, header->len))
        return errno;
    for (int i = 0; i < count; i++)
        if (!write_bytes(fd, tensor[i].data, tensor[i].bytes))
            return errno;
    return fsync(fd) ? errno : 0;
}

bool safetensors_layout(struct st_tensor *tensors, int count, const struct st_meta *meta, int metas,
                        struct buf *header, struct err *err)
{
    for (int i = 0; i < count; i++)
        if (!set_tensor_bytes(&tensors[i], err))
            return false;
    qsort(tensors, (size_t)count, sizeof(*tensors), by_type_and_name);
    return make_header(header, tensors, count, meta, metas, err);
}

bool safetensors_save(const char *path, const struct st_tensor *tensors, int count,
                      const struct st_meta *meta, int metas, struct err *err)
{
    struct st_tensor *sorted = xcalloc((size_t)count + 1, sizeof(*sorted));
    char *temp = xasprintf("%s.%ld.tmp", path, (long)getpid());
    struct buf header = {0};
    bool ok;
    int fd, why;

    if (count)
        memcpy(sorted, tensors, (size_t)count * sizeof(*sorted));
    if (safetensors_layout(sorted, count, meta, metas, &header, err)) {
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        why = fd < 0 ? errno : write_file(fd, &header, sorted, count);
        if (fd >= 0 && close(fd) && !why)
            why = errno;
        if (!why && rename(temp, path))
            why = errno;
        if (why && fd >= 0)
            unlink(temp);
        ok = !why || err_set(err, ERR_IO, "%s: cannot write: %s", path, strerror(why));
        if (ok)
            file_sync_parent(path, NULL);
    } else {
        ok = err_in(err, "%s", path);
    }
    buf_free(&header);
    free(sorted);
    free(temp);
    return ok;
}
