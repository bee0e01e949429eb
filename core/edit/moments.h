/* Second moments of FFN coefficients, C_l = (1/n) sum_t m_l(t) m_l(t)^T over n tokens of a text
 * (editscope-method(7) 6.1), not centred. m_l(t) [M] are the coefficients of layer l at token t.
 *
 * They say which directions of a layer ordinary text uses: x^T C x is the mean of (x^T m)^2, what
 * an update along x changes on that text. Null spaces, MEMIT and the leak of a report are made of
 * them.
 *
 * The sums are float64. A product of two float32 numbers is exact in float64 (24 + 24 bits of 53),
 * so that only the additions round. A layer takes 8 M^2 bytes: 19 MB for M = 1536, 1.6 GB for
 * M = 14336. Where a GPU has no room, sums are on the host and rows wait there for a while, so that
 * many of them (256 MiB) are added each time the sum passes the device in bands.
 *
 * This module runs no model; moments_text.h does and feeds it. An edit must not depend on how long
 * the user waited, so that results exist at fixed token counts alone: 5 M, 10 M, 20 M, 50 M, ...
 * and the goal (editscope-method(7) 6.2). The first is above M since fewer tokens than neurons
 * leave C without full rank. Each result is a file a layer in the cache, named by a hash of what
 * the sums are of (moments_key()); a damaged or other file is never used. Engine thread. */
#ifndef CORE_EDIT_MOMENTS_H
#define CORE_EDIT_MOMENTS_H

#include "core/base/buf.h"
#include "core/base/job.h"
#include "core/edit/offload_mat.h"

/* Rows that are summed: coefficients of a whole text, or those of all tokens but the last one of a
 * window, or the loss's gradient there (core/edit/curvature.h). */
enum moments_kind { MOMENTS_PLAIN, MOMENTS_LOSS_INPUT, MOMENTS_LOSS_GRADIENT };

struct moments_origin { /* what the sums are of */
    enum moments_kind kind;
    char model[65]; /* identity of the model, hex */
    char text[65];  /* sha256 of the text, hex */
    int window;     /* tokens of a window of text */
};

struct moments {
    struct device *dev;
    struct moments_origin origin;
    int layers, neurons;     /* neurons: M */
    int *layer;              /* [layers] */
    long tokens;             /* summed so far */
    struct offload_mat *sum; /* [layers] F64 [M, M]: sum of m m^T */
    char (*hash)[65]; /* [layers] sha256 of the sum as the cache holds it, hex; "" until it is
                         saved or loaded, and once more rows are added */
    float **waiting;  /* [layers] rows that are not in `sum` yet, for sums on the host */
    int *pending;     /* [layers] how many rows wait */
    struct job *job;  /* looked at while a file of the cache is read; may be NULL */
};

enum { MOMENTS_TEXT_END = 2048 }; /* tokens: the end of a text, where its perplexity is measured */

/* Where the i-th window that is read, from 0, begins in a text of `count` tokens. Each lies about
 * .618 of the text behind the one before it, modulo its length (a Weyl sequence near the golden
 * ratio), so that any number of them is spread over all of the text. Its beginning is a few
 * articles. The windows of MOMENTS_TEXT_END come last. */
long moments_window(long count, int window, long i);

/* Zero sums. NULL when the device has no room (8 M^2 bytes a layer). */
struct moments *moments_new(struct device *dev, const struct moments_origin *origin, int layers,
                            const int *layer, int neurons, struct err *err);
/* The same without sums: it only counts tokens, and `sum` is NULL. */
struct moments *moments_count(const struct moments *of);
/* The same with the same sums: the two share them until one of the two adds rows. */
struct moments *moments_sharing(const struct moments *of);
void moments_free(struct moments *m);
/* Adds the rows of coeff [n, M] F32 to the sum of m->layer[index]. Faults surface at
 * device_sync(). When all layers have had their rows, moments_tokens_add() counts them.
 * A sum over n tokens is off by at most n 2^-53 times the sum of the terms' sizes, whatever the
 * device and the order. */
void moments_add(struct moments *m, int index, struct mat coeff);
void moments_tokens_add(struct moments *m, int n);
/* Whether there is memory for copies of the sums that are shared: moments_add() makes them.
 * ERR_LIMIT: not enough. */
bool moments_room(const struct moments *m, struct err *err);
/* Adds the waiting rows of sums on the host. To be called before `sum` is read; moments_save()
 * calls it. */
void moments_flush(struct moments *m);

/* The i-th fixed token count, from 0: 5 M, 10 M, 20 M, 50 M, 100 M ... */
long moments_checkpoint(int neurons, int i);
/* `tokens` rounded up to whole windows: what is summed when that many are asked for. */
long moments_whole(const struct moments *m, long tokens);
/* The next token count after `tokens` at which a result exists on the way to `goal`: a
 * checkpoint or the goal itself, in whole windows. 0: the goal is reached. */
long moments_next(const struct moments *m, long goal);

/* The sha256 that names the sums of a layer: origin, layer, neurons and format, not the tokens. */
void moments_key(const struct moments *m, int index, char hex[65]);
/* Writes the present sums to the cache, atomically, a file a layer. */
bool moments_save(struct moments *m, struct err *err);
/* Makes m the largest cached result of at most `goal` tokens that all its layers have; without
 * one it becomes zero sums. Files that could not be used add a line each to notes (may be
 * NULL). False only when the device fails, or ERR_CANCELLED. */
bool moments_load(struct moments *m, long goal, struct buf *notes, struct err *err);
/* Whether a file is the sum of m->layer[index] over so many tokens, by its content. */
bool moments_file_check(const struct moments *m, int index, const char *path, long tokens,
                        struct err *err);

#endif
