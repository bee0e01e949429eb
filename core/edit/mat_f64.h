/* Windows of float64 matrices that the solver needs beyond rows and columns, and their way to
 * host memory and back; a matrix's length. Nothing here touches device memory but through the
 * device. */
#ifndef CORE_EDIT_MAT_F64_H
#define CORE_EDIT_MAT_F64_H

#include "core/device/device.h"

struct mat mat_window(struct mat m, int row, int rows, int col, int cols);
struct mat mat_turned(struct mat m); /* a dense [1, n] as [n, 1], or the other way */
/* m = value on the diagonal, 0 elsewhere; m F64, square. */
void mat_identity(struct device *dev, double value, struct mat m);
/* out [n, m] = in [m, n] transposed; both F64, `in` dense. */
void mat_transpose(struct device *dev, struct mat in, struct mat out);
/* out [n, u] = a b^T for a [n, M], b [u, M], F64, out dense. One row of b takes the path of a
 * matrix times a vector. */
void mat_products(struct device *dev, struct mat a, struct mat b, struct mat out);
/* out [n, n] = a [index, index] for a symmetric a, F64; index[] is host memory. */
void mat_select(struct device *dev, struct mat a, const int *index, struct mat out);
/* The matrix (F32 or F64) as host doubles, dense, all finite: else ERR_FORMAT says which of `name`
 * is not. Name NULL: whatever they are. Caller frees; NULL when memory is short, or on a fault. */
double *mat_download(struct device *dev, struct mat m, const char *name, struct err *err);

/* The Frobenius norm of a float32 matrix, all finite: else as above. */
bool mat_length(struct device *dev, struct mat x, const char *name, double *length,
                struct err *err);

#endif
