/* The gradient of a loss with respect to the residual stream; weights get none. */
#include <math.h>

#include "core/model/forward.h"

struct saved saved_new(const struct model *m, int rows)
{
    const struct model_config *c = m->config;

    return (struct saved){
        .in = mat_new(m->dev, DT_F32, rows, c->hidden),
        .q = mat_new(m->dev, DT_F32, rows, c->heads * c->head_dim),
        .h = mat_new(m->dev, DT_F32, rows, c->hidden),
        .gate = mat_new(m->dev, DT_F32, rows, c->ffn),
        .up = mat_new(m->dev, DT_F32, rows, c->ffn),
    };
}

void saved_free(struct saved *s, struct device *dev)
{
    mat_free(dev, &s->in);
    mat_free(dev, &s->q);
    mat_free(dev, &s->h);
    mat_free(dev, &s->gate);
    mat_free(dev, &s->up);
}

static void make_workspace(struct forward *f)
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

void backward_block(struct forward *f, const struct weights_view *view, int layer,
                    const struct pass *p, struct cache *c, const struct saved *save, struct mat dx)
{
    const struct model *m = f->model;
    const struct model_config *cfg = m->config;
    const struct block *b = &m->block[layer];
    struct device *dev = m->dev;
    int n = p->rows;

    make_workspace(f);
    struct mat dn = mat_rows(f->d_norm, 0, n), dm = mat_rows(f->d_m, 0, n);
    struct mat dg = mat_rows(f->d_gate, 0, n), du = mat_rows(f->d_up, 0, n);
    struct mat dq = mat_rows(f->d_q, 0, n), dk = mat_rows(f->d_k, 0, n);
    struct mat dv = mat_rows(f->d_v, 0, n), datt = mat_rows(f->d_att, 0, n);

    /* FFN: o = h + W_down m, m = silu(gate) * up of norm(h) */
    device_gemm(dev, 1, dx, false, view_down(view, layer), false, 0, dm);
    device_gated_grad(dev, ACT_SILU, mat_rows(save->gate, 0, n), mat_rows(save->up, 0, n), dm, dg,
                      du);
    device_gemm(dev, 1, dg, false, b->gate, false, 0, dn);
    device_gemm(dev, 1, du, false, b->up, false, 1, dn);
    device_norm_grad(dev, mat_rows(save->h, 0, n),
                     (struct norm){.gain = b->ffn_norm, .eps = cfg->norm_eps}, dn, dx);

    /* attention: h = x + W_o att(q, k, v) of norm(x); cached rows do not depend on x */
    device_gemm(dev, 1, dx, false, b->o, false, 0, datt);
    device_attention_grad(dev, mat_rows(save->q, 0, n), c->k[layer], c->v[layer], p->seq, p->seqs,
                          (struct attn_shape){.heads = cfg->heads,
                                              .kv_heads = cfg->kv_heads,
                                              .head_dim = cfg->head_dim,
                                              .scale = 1.0F / sqrtf((float)cfg->head_dim)},
                          datt, dq, dk, dv);
    device_rope(dev, dq, p->pos, cfg->heads, m->freq, cfg->rope_interleaved, true);
    device_rope(dev, dk, p->pos, cfg->kv_heads, m->freq, cfg->rope_interleaved, true);
    device_gemm(dev, 1, dq, false, b->q, false, 0, dn);
    device_gemm(dev, 1, dk, false, b->k, false, 1, dn);
    device_gemm(dev, 1, dv, false, b->v, false, 1, dn);
    device_norm_grad(dev, mat_rows(save->in, 0, n),
                     (struct norm){.gain = b->attn_norm, .eps = cfg->norm_eps}, dn, dx);
}

void backward_logits(struct forward *f, struct mat x, struct mat d_logits, struct mat dx)
{
    struct device *dev = f->model->dev;
    struct mat own = {0}, dn;

    make_workspace(f);
    dn = mat_rows(f->d_norm, 0, x.rows);
    if (x.rows > f->capacity)
        dn = own = mat_new(dev, DT_F32, x.rows, x.cols);
    device_gemm(dev, 1, d_logits, false, f->model->head, false, 0, dn);
    device_norm_grad(dev, x,
                     (struct norm){.gain = f->model->final_norm, .eps = f->model->config->norm_eps},
                     dn, dx);
    mat_free(dev, &own);
}
