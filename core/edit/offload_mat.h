/* A large float64 matrix (second moments, eigenvectors: up to 8 M^2 bytes a layer), on the device
 * or, where the device has no room for it, on the host, or still in a file of the cache that is
 * mapped. From there its rows pass the device in bands:
 *
 *   for (int at = 0; at < rows; at += offload_band(s))
 *       use(offload_map_rows(s, at, count, &room));
 *
 * device->moments_on_host and ->spaces_on_host say which (core/edit/gpu_memory.h).
 *
 * Two matrices may share their rows until one of them is written: offload_share(). Who writes calls
 * offload_own() first, and so pays for the copy, if there is to be one at all. A file is not
 * written either.
 * Engine thread. */
#ifndef CORE_EDIT_OFFLOAD_MAT_H
#define CORE_EDIT_OFFLOAD_MAT_H

#include "core/device/device.h"

struct safetensors;

struct offload_mat {
    struct device *dev;
    int rows, cols;
    struct mat on_device;     /* data NULL: the rows are elsewhere */
    double *host;             /* NULL: the rows are elsewhere */
    struct safetensors *file; /* NULL: the rows are elsewhere */
    const char *triangle;     /* in `file`, of a symmetric matrix: the upper triangle row by row */
    int *sharers;             /* how many matrices have these rows; NULL: this one alone */
};

/* Zeroes. `on_host`: they are on the host. False and an empty matrix when there is no room. */
bool offload_new(struct offload_mat *s, struct device *dev, int rows, int cols, bool on_host,
                 struct err *err);
/* A symmetric matrix of n rows from `triangle`, F64 and maybe unaligned, which lies in `file`. The
 * matrix closes the file. */
void offload_of_file(struct offload_mat *s, struct device *dev, int n, struct safetensors *file,
                     const char *triangle);
void offload_free(struct offload_mat *s);
/* *with becomes a matrix with the same rows, which are freed with the last of the two. */
void offload_share(struct offload_mat *s, struct offload_mat *with);
/* Whether the rows are in memory and no other matrix has them: they can be written. */
bool offload_owns(const struct offload_mat *s);
/* Rows of its own: a copy of them, if need be, on the device or, with ->moments_on_host and where
 * they were there, on the host. Looks at the job, which may be NULL. False when there is no room or
 * it is cancelled; s stays. */
bool offload_own(struct offload_mat *s, struct job *job, struct err *err);
/* Rows that offload_map_rows() may map at once: all if on the device, else as many as fit 128 MiB,
 * of a file 16 MiB. */
int offload_band(const struct offload_mat *s);
/* Rows first .. first+count on the device: a window of the matrix, or a copy in *room. *room begins
 * as {0}, is allocated by the first call, is overwritten by the next one, and is freed by the
 * caller with mat_free(). */
struct mat offload_map_rows(const struct offload_mat *s, int first, int count, struct mat *room);
/* The same rows from column `first` on, [count, cols - first]. Of a symmetric matrix these bands
 * are all there is to know, and to be read. */
struct mat offload_map_upper(const struct offload_mat *s, int first, int count, struct mat *room);
/* Writes a changed band back to the host; nothing to do on the device. Writing, here and below, is
 * for rows that s owns. */
void offload_unmap_rows(struct offload_mat *s, int first, struct mat band);
void offload_fill(struct offload_mat *s, double value);
/* Rows to and from host memory, dense [count, cols]. The caller frees what is downloaded; NULL and
 * err when memory is short or the device fails. */
double *offload_download(const struct offload_mat *s, int first, int count, struct err *err);
void offload_upload(struct offload_mat *s, int first, int count, const double *rows);

#endif
