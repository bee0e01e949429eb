/* The gradient of a loss with respect to the residual stream, for the search for an edit's target
 * vector (editscope-method(7) 5), and with respect to one W_down, for fine-tuning (7.13).
 *
 * A block is walked backwards: W_down, hooks, the gated activation, W_gate and W_up, the FFN's
 * norm; then W_o, attention, rotation and head norms, W_q, W_k and W_v, the attention norm. For
 * y = x W^T the gradient is dx = dy W. dx of the stream is added to, not replaced, because the
 * stream goes around both sublayers: device_norm_grad() adds to its last argument. */
#include "core/model/forward.h"

struct saved saved_new(const struct model *m, int rows)
{
    const struct model_config *c = m->config;
    int q = c->heads * c->head_dim, k = c->kv_heads * c->head_dim;
    struct saved s = {
        .in = mat_new(m->dev, DT_F32, rows, c->hidden),
        .q = mat_new(m->dev, DT_F32, rows, q),
        .h = mat_new(m->dev, DT_F32, rows, c->hidden),
        .gate = mat_new(m->dev, DT_F32, rows, c->ffn),
        .up = mat_new(m->dev, DT_F32, rows, c->ffn),
    };

    if (c->parts & PART_QK_NORM) {
        s.q_raw = mat_new(m->dev, DT_F32, rows, q);
        s.k_raw = mat_new(m->dev, DT_F32, rows, k);
    }
    if (c->parts & PART_POST_NORMS) {
        s.att_sum = mat_new(m->dev, DT_F32, rows, c->hidden);
        s.ffn_sum = mat_new(m->dev, DT_F32, rows, c->hidden);
    }
    return s;
}

void saved_free(struct saved *s, struct device *dev)
{
    struct mat *all[] = {&s->in,    &s->q,     &s->h,       &s->gate,   &s->up,
                         &s->q_raw, &s->k_raw, &s->att_sum, &s->ffn_sum};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
}

static void ensure_workspace(struct forward *f)
{
    struct device *dev = f->model->dev;
    int n = f->capacity;

    if (f->d_norm.data)
        return;
    f->d_norm = mat_new(dev, DT_F32, n, f->norm.cols);
    f->d_q = mat_new(dev, DT_F32, n, f->q.cols);
    f->d_k = mat_new(dev, DT_F32, n, f->k.cols);
    f->d_v = mat_new(dev, DT_F32, n, f->v.cols);
    f->d_att = mat_new(dev, DT_F32, n, f->att.cols);
    f->d_gate = mat_new(dev, DT_F32, n, f->gate.cols);
    f->d_up = mat_new(dev, DT_F32, n, f->up.cols);
    f->d_m = mat_new(dev, DT_F32, n, f->m.cols);
}

/* The gradient with respect to the output of attention or FFN. That is dx itself, or, if a
 * post-norm follows, dx taken back through that norm and written to `room`. */
static struct mat post_norm_grad(struct device *dev, struct norm post, struct mat sum,
                                 struct mat room, struct mat dx)
{
    if (!post.gain.data)
        return dx;
    device_fill(dev, room, 0);
    device_norm_grad(dev, mat_rows(sum, 0, dx.rows), post, dx, room);
    return room;
}

/* Takes dx back through the hooks at a site, the last one first. */
static void hooks_grad(const struct model_state *view, const struct batch *batch, int layer,
                       enum tap_site site, struct mat dx)
{
    for (int i = view->hooks - 1; i >= 0; i--)
        if (view->hook[i]->ops->grad)
            view->hook[i]->ops->grad(view->hook[i]->ctx, batch, layer, site, dx);
}

/* Back through o = h + W_down m, m = act(W_gate n) * (W_up n), n = norm(h): dx of o becomes dx of
 * h. */
static void ffn_grad(struct forward *f, const struct model_state *view, int layer,
                     const struct batch *batch, const struct saved *save, struct mat dx)
{
    const struct model *m = f->model;
    const struct block *b = &m->block[layer];
    struct device *dev = m->dev;
    int n = dx.rows;
    struct mat dn = mat_rows(f->d_norm, 0, n), dm = mat_rows(f->d_m, 0, n);
    struct mat dg = mat_rows(f->d_gate, 0, n), du = {0}, up = {0};
    struct mat dsum =
        post_norm_grad(dev, b->post_ffn_norm, save->ffn_sum, mat_rows(f->norm, 0, n), dx);

    if (b->w[MATRIX_UP].data) {
        du = mat_rows(f->d_up, 0, n);
        up = mat_rows(save->up, 0, n);
    }
    device_gemm(dev, 1, dsum, false, state_matrix(view, layer, MATRIX_DOWN), false, 0, dm);
    hooks_grad(view, batch, layer, TAP_COEFF, dm);
    device_gated_grad(dev, m->config->act, mat_rows(save->gate, 0, n), up, dm, dg, du);
    device_gemm(dev, 1, dg, false, state_matrix(view, layer, MATRIX_GATE), false, 0, dn);
    if (b->w[MATRIX_UP].data)
        device_gemm(dev, 1, du, false, state_matrix(view, layer, MATRIX_UP), false, 1, dn);
    device_norm_grad(dev, mat_rows(save->h, 0, n), b->ffn_norm, dn, dx);
}

/* Takes the gradient d of q or k back through the rotation and the head norm. Returns d, or `room`
 * if there is a head norm. */
static struct mat heads_grad(struct forward *f, const struct block *b, const struct batch *batch,
                             int heads, struct norm n, struct mat raw, struct mat d,
                             struct mat room)
{
    struct device *dev = f->model->dev;

    if (b->freq)
        device_rope(dev, d, batch->pos, heads, b->freq, f->model->config->rope_interleaved, true);
    if (!n.gain.data)
        return d;
    device_fill(dev, room, 0);
    device_norm_grad(dev, forward_by_head(mat_rows(raw, 0, d.rows), heads), n,
                     forward_by_head(d, heads), forward_by_head(room, heads));
    return room;
}

void backward_ffn(struct forward *f, const struct model_state *view, int layer,
                  const struct batch *batch, const struct saved *save, struct mat dx)
{
    ensure_workspace(f);
    hooks_grad(view, batch, layer, TAP_BLOCK_OUT, dx);
    ffn_grad(f, view, layer, batch, save, dx);
    hooks_grad(view, batch, layer, TAP_FFN_IN, dx);
}

void backward_block(struct forward *f, const struct model_state *view, int layer,
                    const struct batch *batch, struct kv_cache *c, const struct saved *save,
                    struct mat dx)
{
    const struct model_config *cfg = f->model->config;
    const struct block *b = &f->model->block[layer];
    struct device *dev = f->model->dev;
    int n = batch->rows;

    ensure_workspace(f);
    struct mat dn = mat_rows(f->d_norm, 0, n), datt = mat_rows(f->d_att, 0, n), dsum;
    struct mat dq = mat_rows(f->d_q, 0, n), dk = mat_rows(f->d_k, 0, n);
    struct mat dv = mat_rows(f->d_v, 0, n);

    backward_ffn(f, view, layer, batch, save, mat_rows(dx, 0, n));
    /* h = x + W_o att(q, k, v) of norm(x). Rows cached by earlier passes do not depend on x. */
    dsum = post_norm_grad(dev, b->post_attn_norm, save->att_sum, mat_rows(f->norm, 0, n), dx);
    device_gemm(dev, 1, dsum, false, state_matrix(view, layer, MATRIX_O), false, 0, datt);
    device_attention_grad(dev, mat_rows(save->q, 0, n), c->k[layer], c->v[layer], batch->seq,
                          batch->seqs, b->shape, datt, dq, dk, dv);
    dq = heads_grad(f, b, batch, cfg->heads, b->q_norm, save->q_raw, dq, mat_rows(f->q, 0, n));
    dk = heads_grad(f, b, batch, cfg->kv_heads, b->k_norm, save->k_raw, dk, mat_rows(f->k, 0, n));
    device_gemm(dev, 1, dq, false, state_matrix(view, layer, MATRIX_Q), false, 0, dn);
    device_gemm(dev, 1, dk, false, state_matrix(view, layer, MATRIX_K), false, 1, dn);
    device_gemm(dev, 1, dv, false, state_matrix(view, layer, MATRIX_V), false, 1, dn);
    device_norm_grad(dev, mat_rows(save->in, 0, n), b->attn_norm, dn, dx);
    hooks_grad(view, batch, layer, TAP_BLOCK_IN, mat_rows(dx, 0, n));
}

/* The gradient with respect to W_down's output, from that with respect to the block's. */
static struct mat down_output_grad(struct forward *f, const struct model_state *view, int layer,
                                   const struct batch *batch, const struct saved *save,
                                   struct mat dx)
{
    hooks_grad(view, batch, layer, TAP_BLOCK_OUT, dx);
    return post_norm_grad(f->model->dev, f->model->block[layer].post_ffn_norm, save->ffn_sum,
                          mat_rows(f->norm, 0, dx.rows), dx);
}

void backward_coeff(struct forward *f, const struct model_state *view, int layer,
                    const struct batch *batch, const struct saved *save, struct mat dx,
                    struct mat dcoeff)
{
    struct mat dsum = down_output_grad(f, view, layer, batch, save, dx);

    device_gemm(f->model->dev, 1, dsum, false, state_matrix(view, layer, MATRIX_DOWN), false, 0,
                dcoeff);
}

void backward_sum(struct forward *f, const struct model_state *view, int layer,
                  const struct batch *batch, const struct saved *save, struct mat dx, struct mat g)
{
    struct mat dsum;

    device_copy(f->model->dev, dx, g);
    dsum = down_output_grad(f, view, layer, batch, save, g);
    if (dsum.data != g.data)
        device_copy(f->model->dev, dsum, g);
}

void backward_down(struct forward *f, const struct model_state *view, int layer,
                   const struct batch *batch, const struct saved *save, struct mat coeff,
                   struct mat dx, struct mat grad)
{
    struct mat dsum = down_output_grad(f, view, layer, batch, save, dx);

    device_gemm(f->model->dev, 1, dsum, true, coeff, false, 0, grad);
}

/* [rows, cols] memory for logits; f keeps it for the next call. */
static struct mat capped_logits(struct forward *f, int rows, int cols)
{
    if (f->capped.rows < rows) {
        mat_free(f->model->dev, &f->capped);
        f->capped = mat_new(f->model->dev, DT_F32, rows, cols);
    }
    return mat_rows(f->capped, 0, rows);
}

void backward_logits(struct forward *f, struct mat x, struct mat d_logits, struct mat dx)
{
    const struct model *m = f->model;
    float cap = m->config->logit_softcap;
    struct mat own = {0}, dn;

    ensure_workspace(f);
    dn = mat_rows(f->d_norm, 0, x.rows);
    if (x.rows > f->capacity)
        dn = own = mat_new(m->dev, DT_F32, x.rows, x.cols);
    if (cap > 0) { /* compute the capped logits again: the loss has overwritten them */
        struct mat logits = capped_logits(f, d_logits.rows, d_logits.cols);

        forward_logits(f, x, logits);
        device_softcap_grad(m->dev, cap, logits, d_logits);
    }
    device_gemm(m->dev, 1, d_logits, false, m->head, false, 0, dn);
    device_norm_grad(m->dev, x, m->final_norm, dn, dx);
    mat_free(m->dev, &own);
}
