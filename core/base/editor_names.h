/* The list of editing methods, and the parameters that only one of them has.
 *
 * To add a method, add a line here and a file in core/edit/editors/. A line X(ID, name, word) makes
 * the constant METHOD_ID and the word of the parameter edit.method, and expects `editor_name` in
 * that file. The order is that of the words; recordings hold its numbers, so new lines come last.
 *
 * A parameter of one method is a line X(ID, ...) of EDITOR_PARAMS: its id, then a row as in
 * params_table.c. Its name begins with the method's, and `affects` contains PARAM_ADDED_LATER. Such
 * parameters come last wherever parameters are listed. */
#ifndef CORE_BASE_EDITOR_NAMES_H
#define CORE_BASE_EDITOR_NAMES_H

#define EDITORS(X)                          \
    X(NMKE, nmke, "nmke")                   \
    X(ALPHAEDIT, alphaedit, "alphaedit")    \
    X(MEMIT, memit, "memit")                \
    X(ROME, rome, "rome")                   \
    X(R_ROME, r_rome, "r-rome")             \
    X(FT_L, ft_l, "ft-l")                   \
    X(FT_M, ft_m, "ft-m")                   \
    X(MEMIT_SEQ, memit_seq, "memit-seq")    \
    X(KN, kn, "kn")                         \
    X(IKE, ike, "ike")                      \
    X(PMET, pmet, "pmet")                   \
    X(ULTRAEDIT, ultraedit, "ultraedit")    \
    X(GRACE, grace, "grace")                \
    X(ENCORE, encore, "encore")             \
    X(MEMIT_FE, memit_fe, "memit-fe")       \
    X(RECT, rect, "rect")                   \
    X(SPHERE, sphere, "sphere")             \
    X(FINE, fine, "fine")                   \
    X(F_LEARNING, f_learning, "f-learning") \
    X(CRISPEDIT, crispedit, "crispedit")    \
    X(EVOEDIT, evoedit, "evoedit")          \
    X(PRUNE, prune, "prune")                \
    X(WISE, wise, "wise")                   \
    X(LYAPLOCK, lyaplock, "lyaplock")       \
    X(MEMOIR, memoir, "memoir")

#define EDITOR_PARAMS(X)                                                                           \
    X(P_ROME_LAYER, "rome.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l",        \
      "layer", "rome, r-rome: the layer that is edited; -1 = the middle one of edit.layers",       \
      AFFECTS_TARGET | AFFECTS_SOLVE | AFFECTS_STATISTICS | PARAM_ADDED_LATER)                     \
    X(P_ROME_CLAMP, "rome.clamp", "", PARAM_NUMBER, 4, 1e-3, 1000, "", "", "",                     \
      "rome, r-rome: largest |delta| of the target, in units of the FFN's output",                 \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_ROME_WD, "rome.wd", "", PARAM_NUMBER, 1e-3, 0, 1000, "", "", "",                           \
      "rome, r-rome: weight of |delta| / |h|^2 in the target's loss, h the FFN's output",          \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_FT_LAYER, "ft.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l", "layer",   \
      "ft-l, ft-m: the layer that is trained; -1 = at 21/32 of the depth, or edit.layers if that " \
      "is one",                                                                                    \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_FT_LR, "ft.lr", "", PARAM_NUMBER, 5e-4, 1e-9, 10, "", "", "",                              \
      "ft-l, ft-m: learning rate (Adam)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                       \
    X(P_FT_STEPS, "ft.steps", "", PARAM_INTEGER, 25, 1, 10000, "", "", "steps",                    \
      "ft-l, ft-m: maximum number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                    \
    X(P_FT_STOP, "ft.stop", "", PARAM_NUMBER, 0.01, 0, 100, "", "", "nats",                        \
      "ft-l, ft-m: loss at which training stops", AFFECTS_SOLVE | PARAM_ADDED_LATER)               \
    X(P_FT_EPS, "ft.eps", "", PARAM_NUMBER, 0, 0, 1000, "", "", "",                                \
      "ft-l, ft-m: how far a weight may move, 0 = any way; ROME's FT+L 5e-4",                      \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_FT_FORGET, "ft.forget", "", PARAM_NUMBER, 0.3, 0, 10, "", "", "",                          \
      "f-learning: how much of what tuning on the old object adds is subtracted first",            \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_PMET_CLAMP, "pmet.clamp", "", PARAM_NUMBER, 1, 1e-3, 1000, "", "", "",                     \
      "pmet: largest |delta| of each of the target's two vectors, in units of what the FFN and "   \
      "attention add",                                                                             \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_PMET_WD, "pmet.wd", "", PARAM_NUMBER, 0.5, 0, 1000, "", "", "",                            \
      "pmet: weight of |delta| / |h|^2 in the target's loss, for both vectors",                    \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_ENCORE_MU, "encore.mu", "", PARAM_NUMBER, 20, 0, 1e9, "", "", "",                          \
      "encore: weight of the update's own length in the solve", AFFECTS_SOLVE | PARAM_ADDED_LATER) \
    X(P_ENCORE_STOP, "encore.stop", "", PARAM_INTEGER, 2, 1, 10000, "", "", "steps",               \
      "encore: the target's optimisation stops when the new object has been the most likely "      \
      "after "                                                                                     \
      "every prefix for so many steps",                                                            \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_RECT_KEEP, "rect.keep", "", PARAM_NUMBER, 0.4, 0, 1, "", "", "share",                      \
      "rect: share of the elements that are written, those that change their weight most for its " \
      "size",                                                                                      \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_SPHERE_ETA, "sphere.eta", "", PARAM_NUMBER, 0.5, 0, 1, "", "", "share",                    \
      "sphere: what the directions along which the update is weakened hold of the rows' second "   \
      "moment",                                                                                    \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_SPHERE_ALPHA, "sphere.alpha", "", PARAM_NUMBER, 0.5, 0, 1, "", "", "share",                \
      "sphere: how much of the update is taken away along them",                                   \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_EDIT_V_ANCHOR, "edit.v_anchor", "", PARAM_NUMBER, 0, 0, 1e9, "", "", "",                   \
      "length that a target gives to what the FFN adds (NAS), for every method with a target; 0 "  \
      "= "                                                                                         \
      "as it comes",                                                                               \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_BASELINE_QUIRKS, "baseline.quirks", "", PARAM_CHOICE, 0, 0, 1, "none easyedit", "", "",    \
      "what released code does otherwise: rome, r-rome without C^-1; kn of gates; crispedit "      \
      "projects the gradient alone",                                                               \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_KN_STEPS, "kn.steps", "", PARAM_INTEGER, 20, 1, 1000, "", "", "steps",                     \
      "kn: points of the integrated gradients", AFFECTS_SOLVE | PARAM_ADDED_LATER)                 \
    X(P_KN_THRESHOLD, "kn.threshold", "", PARAM_NUMBER, 0.2, 0, 1, "", "", "",                     \
      "kn: neurons above this share of the largest attribution are changed",                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_ULTRAEDIT_TOKENS, "ultraedit.tokens", "", PARAM_CHOICE, 0, 0, 1, "label all", "", "",      \
      "ultraedit: positions that are edited: those that predict the new object, or all",           \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_ULTRAEDIT_LR, "ultraedit.lr", "", PARAM_NUMBER, 0, 0, 1000, "", "", "",                    \
      "ultraedit: step; 0 = by the width, 1e-6 as published at 4096 and 3e-5 at 576",              \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_GRACE_LAYER, "grace.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l",      \
      "layer",                                                                                     \
      "grace: the layer of the codebook; -1 = at 27/32 of the depth, or edit.layers if that is "   \
      "one",                                                                                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_GRACE_EPS, "grace.eps", "", PARAM_NUMBER, 1, 0, 1e6, "", "", "",                           \
      "grace: radius of a new key, a distance between coefficients of neurons",                    \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_GRACE_LR, "grace.lr", "", PARAM_NUMBER, 1, 1e-9, 100, "", "", "",                          \
      "grace: learning rate of a value (Adam)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                 \
    X(P_GRACE_STEPS, "grace.steps", "", PARAM_INTEGER, 50, 1, 10000, "", "", "steps",              \
      "grace: number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                                 \
    X(P_FINE_NEURONS, "fine.neurons", "", PARAM_INTEGER, 5, 1, 1000, "", "", "neurons",            \
      "fine: how many neurons are changed for each token of the new object",                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_FINE_LR, "fine.lr", "", PARAM_NUMBER, 1e-3, 1e-9, 10, "", "", "",                          \
      "fine: learning rate (Adam)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                             \
    X(P_FINE_STEPS, "fine.steps", "", PARAM_INTEGER, 50, 1, 10000, "", "", "steps",                \
      "fine: maximum number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                          \
    X(P_FINE_KL, "fine.kl", "", PARAM_NUMBER, 1, 0, 1000, "", "", "",                              \
      "fine: weight of the change of what is said before the object",                              \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_FINE_REPEAT, "fine.repeat", "", PARAM_NUMBER, 10, 0, 1000, "", "", "",                     \
      "fine: weight of saying the object once more", AFFECTS_SOLVE | PARAM_ADDED_LATER)            \
    X(P_MASK_METHODS, "mask.methods", "", PARAM_CHOICE, 0, 0, 1, "nmke all", "", "",               \
      "methods that take the mask of mask.mode: nmke alone, or every one with a solve, and "       \
      "ultraedit",                                                                                 \
      AFFECTS_MASK | AFFECTS_SOLVE | PARAM_ADDED_LATER)                                            \
    X(P_CRISPEDIT_TOKENS, "crispedit.tokens", "", PARAM_INTEGER, 20480, 2, 1e12, "", "", "tokens", \
      "crispedit: of the text whose loss is to stay, in windows of stats.window",                  \
      AFFECTS_STATISTICS | PARAM_ADDED_LATER)                                                      \
    X(P_CRISPEDIT_GAMMA, "crispedit.gamma", "", PARAM_NUMBER, 0.99, 0, 1, "", "", "share",         \
      "crispedit: what the directions that are kept for the text hold of its loss's curvature",    \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_CRISPEDIT_LR, "crispedit.lr", "", PARAM_NUMBER, 5e-4, 1e-9, 10, "", "", "",                \
      "crispedit: learning rate (Adam)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                        \
    X(P_CRISPEDIT_STEPS, "crispedit.steps", "", PARAM_INTEGER, 25, 1, 10000, "", "", "steps",      \
      "crispedit: maximum number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                     \
    X(P_CRISPEDIT_STOP, "crispedit.stop", "", PARAM_NUMBER, 0.01, 0, 100, "", "", "nats",          \
      "crispedit: loss at which training stops", AFFECTS_SOLVE | PARAM_ADDED_LATER)                \
    X(P_UPDATE_SCALE, "update.scale", "", PARAM_NUMBER, 1, 0, 100, "", "c", "times",               \
      "every method with a solve: so many times the update is written",                            \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_UPDATE_LIKE, "update.like", "", PARAM_CHOICE, 0, 0, 2, "none gain norm", "", "",           \
      "the update of all neurons, scaled to the gain or the length that the mask would leave it",  \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_Z_WEIGHTS, "z.weights", "", PARAM_CHOICE, 0, 0, 1, "current base", "", "",                 \
      "the weights that targets are optimised on: with all edits so far, or none",                 \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                          \
    X(P_MASK_WEIGHTS, "mask.weights", "", PARAM_CHOICE, 0, 0, 1, "current base", "", "",           \
      "the weights that scores, and so masks, are read from: with all edits so far, or none",      \
      AFFECTS_SCORES | PARAM_ADDED_LATER)                                                          \
    X(P_WISE_LAYER, "wise.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l",        \
      "layer",                                                                                     \
      "wise: the layer of the side matrix; -1 = at 23/30 of the depth, or edit.layers if that is " \
      "one",                                                                                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_WISE_LR, "wise.lr", "", PARAM_NUMBER, 0.9, 1e-9, 100, "", "", "",                          \
      "wise: learning rate (SGD)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                              \
    X(P_WISE_STEPS, "wise.steps", "", PARAM_INTEGER, 30, 2, 10000, "", "", "steps",                \
      "wise: maximum number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                          \
    X(P_WISE_ALPHA, "wise.alpha", "", PARAM_NUMBER, 2, 0, 1e6, "", "", "",                         \
      "wise: how far the neighbour may be at most", AFFECTS_SOLVE | PARAM_ADDED_LATER)             \
    X(P_WISE_BETA, "wise.beta", "", PARAM_NUMBER, 20, 0, 1e6, "", "", "",                          \
      "wise: how far the fact is to be at least", AFFECTS_SOLVE | PARAM_ADDED_LATER)               \
    X(P_WISE_GAMMA, "wise.gamma", "", PARAM_NUMBER, 10, 0, 1e6, "", "", "",                        \
      "wise: how much farther the fact is to be than the neighbour",                               \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_WISE_RATIO, "wise.ratio", "", PARAM_NUMBER, 0.5, 1e-3, 1, "", "", "share",                 \
      "wise: a prompt goes through the side matrix from this share of the facts' distance on",     \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_WISE_SHARE, "wise.share", "", PARAM_NUMBER, 0.2, 1e-3, 1, "", "", "share",                 \
      "wise: share of the side matrix's elements that an edit may change, drawn by seed",          \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_WISE_LOC_PROMPT, "wise.loc_prompt", "", PARAM_TEXT, 0, 0, 0, "", "", "",                   \
      "wise: the neighbour, a prompt with its answer; none = the fact's first neighbour that has " \
      "one",                                                                                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_LYAPLOCK_ALPHA, "lyaplock.alpha", "", PARAM_NUMBER, 60, 1e-3, 1e9, "", "", "",             \
      "lyaplock: budget of the damage to ordinary text, in units of the first edit's",             \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_MEMOIR_LAYER, "memoir.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l",    \
      "layer",                                                                                     \
      "memoir: the layer of the memory; -1 = at 27/32 of the depth, or edit.layers if that is "    \
      "one",                                                                                       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_MEMOIR_LR, "memoir.lr", "", PARAM_NUMBER, 1, 1e-9, 100, "", "", "",                        \
      "memoir: learning rate (SGD)", AFFECTS_SOLVE | PARAM_ADDED_LATER)                            \
    X(P_MEMOIR_STEPS, "memoir.steps", "", PARAM_INTEGER, 30, 1, 10000, "", "", "steps",            \
      "memoir: maximum number of steps", AFFECTS_SOLVE | PARAM_ADDED_LATER)                        \
    X(P_MEMOIR_ACTIVE, "memoir.active", "", PARAM_NUMBER, 0.2857, 1e-6, 1, "", "", "share",        \
      "memoir: share of the neurons that a prompt's mask has", AFFECTS_SOLVE | PARAM_ADDED_LATER)  \
    X(P_MEMOIR_OVERLAP, "memoir.overlap", "", PARAM_NUMBER, 0.6, 0, 1, "", "", "share",            \
      "memoir: a prompt is sent to a fact from this overlap of their masks on",                    \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_IKE_K, "ike.k", "", PARAM_INTEGER, 0, 0, 48, "", "", "demonstrations",                     \
      "ike: demonstrations before the fact, the first ones that the facts of ike.file make",       \
      AFFECTS_SOLVE | PARAM_ADDED_LATER)                                                           \
    X(P_IKE_FILE, "ike.file", "", PARAM_TEXT, 1, 1, 1, "", "", "",                                 \
      "ike: a file of facts that demonstrations are made of", AFFECTS_SOLVE | PARAM_ADDED_LATER)

#endif
