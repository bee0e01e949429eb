/* The loss of new objects after their bare prompts, and its gradient, for methods that change
 * weights by gradients (editscope-method(7) 7.13): a sequence for each fact, with the tokens of the
 * new object as labels. Only the blocks from `first` on run in a pass; what enters that block is
 * computed once, so a caller may change weights of blocks from `first` on between two passes.
 *
 *   ok = training_begin(&t, view, request, count, rule, first, job, err);
 *   ok = ok && training_losses(&t, NULL, &step, job, err);        forwards; step.loss
 *   training_head(&t);                                            t.dx, of the last block's output
 *   for (l = layers - 1; l > first; l--) training_block(&t, l);   t.dx, of each block's input
 *   training_free(&t);
 *
 * Engine thread. */
#ifndef CORE_EDIT_TRAINING_H
#define CORE_EDIT_TRAINING_H

#include "core/edit/report.h"
#include "core/edit/request.h"
#include "core/model/forward.h"

/* Each row of a fact as a request of its own, for a loss over all rows. Borrows; the caller frees
 * the array. */
struct request *training_rows_of(const struct request *fact);

/* For a tap: copies the coefficients [rows, M] of a layer to `coeff`. */
struct coeff_reading {
    struct device *dev;
    int layer;
    struct mat coeff;
};
void coeff_read(void *ctx, int layer, enum tap_site site, struct mat x);

struct training_rule {
    bool forced;   /* a label is asked for after the labels before it; or all after the prompt */
    bool whole;    /* with `forced`: the last label is in the sequence too, which asks nothing */
    bool by_token; /* the loss is the mean over all labels, or over facts of the mean over theirs */
    bool summed;   /* the loss is their sum, and training_summed_head() makes its gradient */
};

struct training {
    struct model_state *view;
    const struct request *request; /* [facts] borrowed */
    struct training_rule rule;
    struct device *dev;
    int facts, first, layers, labels;
    struct batch pass;
    struct forward *f;
    struct kv_cache *cache;
    struct saved *saved;       /* [layers] of the blocks from `first` on */
    struct mat start, x, dx;   /* [pass.rows, d]; start enters block `first` */
    int *label_row, *label;    /* [labels] where a label is predicted, and which */
    struct mat lx, dl, logits; /* [labels, ...] */
    struct mat losses;         /* [1, labels] */
    float *host_loss;          /* [labels] */
};

/* Rows, memory, and the blocks below `first`. ERR_USAGE: too long for the model; ERR_CANCELLED;
 * faults of the device. Free with training_free(), also on failure. */
bool training_begin(struct training *t, struct model_state *view, const struct request *request,
                    int facts, struct training_rule rule, int first, struct job *job,
                    struct err *err);
void training_free(struct training *t);
/* Runs the blocks from `first` on: t->x = the output of the last one. `tap` may be NULL. */
bool training_forward(struct training *t, const struct tap *tap, struct job *job, struct err *err);
/* The same, and fills loss, nll and p_target of step; the logits become the gradient of the loss. A
 * loss that is not finite is no error. */
bool training_losses(struct training *t, const struct tap *tap, struct target_step *step,
                     struct job *job, struct err *err);
/* After training_losses(): t->dx = the gradient with respect to the output of the last block. */
void training_head(struct training *t);
/* In the place of both, with rule.summed, after training_forward(): so many labels as a text has
 * are taken in parts. */
bool training_summed_head(struct training *t, struct job *job, struct err *err);
/* g [pass.rows, d] = the gradient with respect to what W_down of the block gives, from t->dx, that
 * of the block's output, which stays. */
void training_down_gradient(struct training *t, int layer, struct mat g);
/* t->dx, that of the block's output, becomes that of its input. Until the next block the gradients
 * with respect to what W_gate and W_up give are in t->f->d_gate and d_up. */
void training_block(struct training *t, int layer);

#endif
