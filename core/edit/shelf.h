/* A large float64 matrix (second moments, eigenvectors: 8 M^2 bytes a layer) on the device or,
 * where the device is to keep its memory for something else, on the host: then its rows pass the
 * device in bands. device->far_sums and ->far_spaces say which (core/edit/plan.h). Engine thread.
 */
#ifndef CORE_EDIT_SHELF_H
#define CORE_EDIT_SHELF_H

#include "core/device/device.h"

struct shelf {
    struct device *dev;
    int rows, cols;
    struct mat here; /* data NULL: the rows are on the host */
    double *host;    /* NULL: they are on the device */
};

/* Zeroes. `far`: on the host. False and an empty shelf when there is no room. */
bool shelf_new(struct shelf *s, struct device *dev, int rows, int cols, bool far, struct err *err);
void shelf_free(struct shelf *s);
bool shelf_is_there(const struct shelf *s);
/* Rows that shelf_take() gives at once: all of them on the device, else what fits 128 MiB. */
int shelf_step(const struct shelf *s);
/* Rows first .. first+count on the device: a window of the matrix, or a copy in *room, which is
 * made when it is empty ({0}), good until the next call and freed by the caller with mat_free(). */
struct mat shelf_take(const struct shelf *s, int first, int count, struct mat *room);
/* What shelf_take() gave has been changed and is to stay so. */
void shelf_give(struct shelf *s, int first, struct mat band);
void shelf_fill(struct shelf *s, double value);
/* Rows to and from host memory, dense [count, cols]. The caller frees what is downloaded; NULL and
 * err when memory is short or the device fails. */
double *shelf_download(const struct shelf *s, int first, int count, struct err *err);
void shelf_upload(struct shelf *s, int first, int count, const double *rows);

#endif
