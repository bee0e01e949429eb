/* The cache of null spaces: CACHE/nullspaces/KEY-PROJECTOR.safetensors, one layer a file
 * (editscope-formats(7) 13.2). KEY is that of the moments, PROJECTOR the null space's hash.
 *
 * A file holds the vectors and eigenvalues to the bit, so that an edit does not depend on whether
 * they were computed or read. It names the sums it was made from by their hash: a sum with other
 * bits (of a GPU, of another number of processes) has null spaces of its own. Engine thread. */
#ifndef CORE_EDIT_NULLSPACE_FILE_H
#define CORE_EDIT_NULLSPACE_FILE_H

#include "core/edit/nullspace.h"

enum { NULLSPACES_KEPT = 4 }; /* files of a layer: 2.4 M^2 bytes each with the default rule */

/* Fills in everything but `sum` of a null space that has its hash. False without an error: there
 * is no file. False and err.kind set: it is not usable, and why; or the device failed, then the
 * fault is still to be reported by device_sync(). */
bool nullspace_file_read(struct nullspace *n, const struct moments *m, int index, struct err *err);
/* Writes the file atomically, and removes the oldest one if the layer has too many. Does nothing
 * while the hash of the sums is not known. */
bool nullspace_file_write(const struct nullspace *n, const struct moments *m, int index,
                          struct err *err);
/* Whether a file whose name has `projector` after the key is a null space of m->layer[index], by
 * its content. `present`: also whether it was made from the present sums; no error if not. */
bool nullspace_file_check(const struct moments *m, int index, const char *path,
                          const char *projector, bool present, struct err *err);

#endif
