/* The numbers that an edit reports, from the solver to the screen (editscope-method(7) 7.10). Plain
 * data. Names are those of JSON and of recordings. */
#ifndef CORE_EDIT_REPORT_H
#define CORE_EDIT_REPORT_H

#include <stdbool.h>

enum { REPORT_HITS = 5, REPORT_CHOSEN = 16 };

/* One layer's update, with its mask. */
struct layer_report {
    int layer, kept;            /* kept: neurons of weight > 0 */
    double q;                   /* k^T P k; this and the next five are means over the requests */
    double gain, gain_mask;     /* k^T x without and with the mask (and compensation) */
    double leak, leak_unmasked; /* x^T C x with and without the mask */
    double leak_ratio;          /* (leak / gain_mask^2) / (leak_unmasked / gain^2) */
    double percentile_gain, percentile_leak; /* among random masks of equal size; -1: none */
    double lambda;                           /* of the solve; 0: not known (a recording of 0.1) */
    double scale;                            /* compensation of the mask, or by update.like; 1 */
    double residual;                         /* ||Z - O||, before division by the layers left */
    double delta_norm, weight_norm;          /* Frobenius, of the update and of the matrix before */
    int general, specific,
        both; /* of the mask's neurons, by class; 0: no mask was made of scores */
    double rho_ge, rho_sp, tau_ge, tau_sp; /* ratio (Eq. 6, 7) and threshold of each kind */
    int rank;              /* of CrispEdit: directions of d M that are kept for the text; else 0 */
    double gradient_share; /* and what the others leave of the first gradient's length */
    int chosen; /* neurons that the method chose itself (KN, FiNE), by the length of their change in
                   descending order; at most REPORT_CHOSEN, `kept` counts all: */
    struct chosen_neuron {
        int neuron;
        double moved; /* the length of what is added to its value vector */
    } chosen_neuron[REPORT_CHOSEN];
    bool stale; /* the change of an earlier layer, or a later change of a parameter, is not in it */
    int hits;   /* past edits whose keys the update moves most, in descending order: */
    struct layer_hit {
        int edit;
        double hit;   /* |k_j^T x| with mask and scale, the largest over the requests */
        double moved; /* times the norm of what is written; NAN while the target is not known */
    } hit[REPORT_HITS];
};

/* The report of a method that solves for no key: q, gains, leaks and the residual are NAN, and
 * nothing is known yet of its update and matrix. */
struct layer_report layer_report_keyless(int layer, int kept);

/* Which rephrases and neighbours of the facts an edit sends to what it keeps beside the weights
 * (core/model/route.h), and what it compares with its limit, of those that are the nearest to being
 * sent. All 0: its method sends nothing anywhere. NAN: none was asked. */
struct route_report {
    int rephrases, rephrases_routed, neighbours, neighbours_routed;
    double rephrase, neighbour, limit;
};

/* A demonstration of IKE: what it shows, and the number of the record it was made of. */
enum demonstration_kind { DEMONSTRATION_COPY, DEMONSTRATION_UPDATE, DEMONSTRATION_RETAIN };
enum { DEMONSTRATIONS_MOST = 48 };
struct demonstration {
    int record, kind;
};

struct target_step { /* of the target's optimisation */
    int step;
    double loss, nll, kl, wd; /* nats */
    double p_target;          /* mean over rows of p(new object), teacher-forced */
    double delta_norm;
};

#endif
