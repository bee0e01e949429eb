/* Where a loss is flat, by Kronecker factors (K-FAC): for W_down of a layer, with m what enters it
 * and g the gradient of a text's summed loss with respect to what it gives (editscope-method(7)
 * 7.23),
 *
 *   A = mean m m^T [M, M] = Ua diag(a) Ua^T      B = mean g g^T [d, d] = Ub diag(b) Ub^T
 *
 * Direction (j, i) = ub_j ua_i^T has the curvature a_i b_j. Those of largest curvature, which
 * together hold a given share of the whole, are kept for the text; the others are free.
 *
 * The sums are two struct moments, one of width M and one of width d, so that the cache, the
 * eigenvectors (nullspace_rule.none) and their files are those of second moments. A window of w
 * tokens counts w - 1: its last token predicts nothing. Engine thread. */
#ifndef CORE_EDIT_CURVATURE_H
#define CORE_EDIT_CURVATURE_H

#include "core/edit/nullspace.h"
#include "core/edit/training.h"

/* Sees what enters W_down of the index-th layer [rows, M], or with `gradient` the gradient with
 * respect to what it gives [rows, d]. */
typedef void curvature_take(void *ctx, int index, struct mat x, bool gradient);

/* One pass forwards and back over the rows of t, whose rule is `summed`. t->first is the first of
 * the layers. ERR_CANCELLED; faults of the device. */
bool curvature_pass(struct training *t, const int *layer, int layers, curvature_take *take,
                    void *ctx, struct job *job, struct err *err);

/* The sums of some layers, over a text and over edited texts. */
struct curvature {
    struct moments *in, *out; /* of m and g; in->tokens = out->tokens counts rows */
};

/* Zeroes. `origin` has model, text and the window's length in tokens. False: no memory. */
bool curvature_new(struct curvature *c, struct device *dev, const struct moments_origin *origin,
                   const struct model_config *config, const int *layer, int layers,
                   struct err *err);
void curvature_free(struct curvature *c);
/* The rows of so many tokens of a text: those of all the windows that they begin. */
long curvature_rows(const struct curvature *c, long tokens);
/* Adds some windows, at most up to `until` rows in all; `ids` [count] are the text. */
bool curvature_step(struct curvature *c, struct model_state *base, const int *ids, long count,
                    long until, struct job *job, struct err *err);
/* Makes c the cached sums of at most `until` rows, or zeroes; writes them to the cache. */
bool curvature_load(struct curvature *c, long until, struct buf *notes, struct err *err);
bool curvature_save(struct curvature *c, struct err *err);
/* Makes c the sums of `of`, which it copies when it adds to them. ERR_LIMIT: no memory for that. */
bool curvature_share(struct curvature *c, const struct curvature *of, struct err *err);

/* ERR_LIMIT where the rows of t are more than what a session keeps of an edit. */
bool curvature_numbers_fit(const struct training *t, int layers, struct err *err);
/* What an edited text adds, as numbers for a session: the rows of each layer, from a pass over the
 * requests on the edited state. Caller frees; NULL: failed. */
double *curvature_numbers(struct model_state *view, const struct request *request, int facts,
                          const int *layer, int layers, int *count, struct job *job,
                          struct err *err);
/* Adds them; false: they are not of this model. Layers that c has not are left out. */
bool curvature_add_numbers(struct curvature *c, const double *value, int count);

/* The free directions of a matrix. */
struct free_space {
    struct device *dev;
    struct mat ua, ub; /* F32 [M, M], [d, d]: eigenvectors as rows, eigenvalue ascending */
    int *free;         /* [d] of direction j of ub: how many of ua, from the first on, are free */
    int rank;          /* directions that are not free, of d M */
    double tau;        /* the smallest curvature among them */
    struct mat room[2], rotated[2]; /* [d, M]; [rows, M], [rows, d] */
};

/* `in`, `out`: all eigenvectors; `gamma`: the share of the curvature that is kept for the text.
 * `rows`: the most rows of a gradient. ERR_FORMAT where there is no curvature. */
bool free_space_new(struct free_space *f, const struct nullspace *in, const struct nullspace *out,
                    double gamma, int rows, struct err *err);
void free_space_free(struct free_space *f);
/* grad [d, M] = the free part of g^T m, for m [rows, M] and g [rows, d]. */
void free_space_gradient(struct free_space *f, struct mat m, struct mat g, struct mat grad);
/* x [d, M] becomes its free part. */
void free_space_project(struct free_space *f, struct mat x);
/* After free_space_gradient(): the lengths of the gradient and of its free part. */
bool free_space_lengths(struct free_space *f, struct mat m, struct mat g, double length[2],
                        struct err *err);

#endif
