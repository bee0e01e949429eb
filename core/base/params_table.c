/* The parameter table. One row says everything the program knows about a parameter:
 *
 *   [P_RATIO_GE_A] = {"ratio.ge.a", "alpha_ge", PARAM_NUMBER, 0.1, -1, 1, "", "α_ge", "",
 *                     name          alias       kind          default low high
 *                                                              words (of a choice; of a
 *                                                              number: the word for 0), symbol,
 * unit "general: scaler of the entropy in ρ = α H^γ + β (Eq. 6)", AFFECTS_MASK} help affects
 *
 * What is derived from it, without another line of code:
 *   --set NAME=VALUE, presets, config files    name, alias, kind, range, words (params_set())
 *   the parameter panel, :set, completion      name, symbol, unit, help; steps from the range
 *   `editscope config`, shell completion, the manual (tests/lint compares it)
 *   sessions, recordings, --json               params_to_json(): name and value
 *   which results become stale                 `affects`
 *
 * `affects` is the row's most important part. Each result (scores, target, mask, solved update,
 * second moments) is cached under the values of the parameters that affect it (params_show_all()).
 * A missing bit makes the program show a result of the old value; a superfluous bit makes it
 * compute again for nothing. A parameter that changes two stages has two bits.
 *
 * To add a parameter: an id in params.h (last, and with PARAM_ADDED_LATER here, because recordings
 * of older versions do not have it), a row here, and its lines in the manual. The choices of a
 * PARAM_CHOICE get an enum in params.h in the same order as the words.
 *
 * Defaults follow the paper's text. Where the authors' released code does something else, its value
 * is in params_official() and, if it matters to users, in the help. */
#include "core/base/params.h"

/* The words of edit.method from the list of editors: " nmke alphaedit memit ...". Its first
 * character is a space, which the row below skips. */
#define WORD(id, name, word) " " word
static const char methods[] = EDITORS(WORD);
#undef WORD

#define PARAM_ROW(id, ...) [id] = {__VA_ARGS__},
static const struct param_info rows[PARAM_COUNT] = {
    [P_ATTR_STRATEGY] = {"attr.strategy", "", PARAM_CHOICE, 0, 0, 2, "lps psa mpc", "", "",
                         "score of a neuron: log probability shift (Eq. 3), probability shift or "
                         "coefficient",
                         AFFECTS_SCORES},
    [P_ATTR_AMPLIFY] = {"attr.amplify", "amplify", PARAM_NUMBER, 30, 0, 10000, "", "α", "",
                        "amplification of a neuron's contribution (Eq. 2); re-runs attribution",
                        AFFECTS_SCORES},
    [P_ATTR_TARGET] = {"attr.target", "", PARAM_CHOICE, 0, 0, 2, "pred old new", "y", "",
                       "token whose probability is explained (Eq. 3): predicted, old or new object",
                       AFFECTS_SCORES},
    [P_ATTR_POSITION] = {"attr.position", "", PARAM_CHOICE, 0, 0, 2,
                         "last subject_last padded_last", "", "",
                         "token position that is scored; padded_last is the released code's",
                         AFFECTS_SCORES},
    [P_ATTR_NORM] = {"attr.norm", "", PARAM_CHOICE, 0, 0, 1, "fixed_final own", "", "",
                     "final norm of the lens (Eq. 3): the unperturbed run's, or each vector's own",
                     AFFECTS_SCORES},
    [P_ATTR_CLAMP] = {"attr.clamp", "", PARAM_NUMBER, 0, 0, 0.1, "", "", "probability",
                      "lowest probability in the scores (Eq. 3); 0 = none, released code 1e-8",
                      AFFECTS_SCORES | AFFECTS_MASK},
    [P_ATTR_EPS] = {"attr.eps", "", PARAM_NUMBER, 0, 0, 1, "", "ε", "",
                    "epsilon of the lens's norm (Eq. 3); 0 = the model's, released code 1e-6",
                    AFFECTS_SCORES},
    [P_ATTR_PREFIXES] = {"attr.prefixes", "", PARAM_INTEGER, 5, 0, 64, "", "N-1", "prefixes",
                         "context prefixes; with the prompt alone they are the N rows of Eq. 4",
                         AFFECTS_SCORES | AFFECTS_TARGET | AFFECTS_SOLVE},
    [P_ATTR_ROWS] = {"attr.rows", "", PARAM_CHOICE, 0, 0, 2, "prefixes paraphrases both", "", "",
                     "rows of Eq. 4: context prefixes, paraphrases, or both", AFFECTS_SCORES},
    [P_MPC_KIND] = {"mpc.kind", "", PARAM_CHOICE, 0, 0, 2, "coeff coeff_norm coeff_proj", "m", "",
                    "the mpc score (Eq. 1): m_i, |m_i| |v_i|, or m_i <W_U[y] g, v_i>",
                    AFFECTS_SCORES},
    [P_SCORE_GE_TEST] = {"score.ge_test", "", PARAM_CHOICE, 0, 0, 1, "zscore raw", "r^ge", "",
                         "a row counts for a neuron (Eq. 4) if its z-score, or score, is above 0",
                         AFFECTS_MASK},
    [P_SCORE_SP_INPUT] = {"score.sp_input", "", PARAM_CHOICE, 0, 0, 1, "raw zscore", "r^sp", "",
                          "input of the maximum over rows (Eq. 5): scores or z-scores",
                          AFFECTS_MASK},
    [P_RATIO_INV_TEMP] = {"ratio.inv_temp", "temperature", PARAM_NUMBER, 30, 1e-4, 1e4, "", "1/τ",
                          "", "inverse temperature of the softmax in Eq. 6; temperature = 1/value",
                          AFFECTS_MASK},
    [P_RATIO_SP_DIST] = {"ratio.sp_dist", "", PARAM_CHOICE, 0, 0, 1, "l1 softmax", "q", "",
                         "distribution of Eq. 7: positive maxima over their sum, or softmax",
                         AFFECTS_MASK},
    [P_RATIO_SCALE] = {"ratio.scale", "", PARAM_CHOICE, 0, 0, 1, "raw unit", "", "",
                       "scores in the softmax of Eq. 6: as they are, or divided by the row's |max|",
                       AFFECTS_MASK},
    [P_RATIO_GE_A] = {"ratio.ge.a", "alpha_ge", PARAM_NUMBER, 0.1, -1, 1, "", "α_ge", "",
                      "general: scaler of the entropy in ρ = α H^γ + β (Eq. 6)", AFFECTS_MASK},
    [P_RATIO_GE_B] = {"ratio.ge.b", "beta_ge", PARAM_NUMBER, 0.3, 0, 1, "", "β_ge", "",
                      "general: bias of the ratio in ρ = α H^γ + β (Eq. 6)", AFFECTS_MASK},
    [P_RATIO_GE_GAMMA] = {"ratio.ge.gamma", "gamma_ge", PARAM_NUMBER, 1, 0.1, 10, "", "γ_ge", "",
                          "general: power of the entropy (Eq. 6); released code 3", AFFECTS_MASK},
    [P_RATIO_SP_A] = {"ratio.sp.a", "alpha_sp", PARAM_NUMBER, 0.1, -1, 1, "", "α_sp", "",
                      "specific: scaler of the entropy in ρ = α H^γ + β (Eq. 7)", AFFECTS_MASK},
    [P_RATIO_SP_B] = {"ratio.sp.b", "beta_sp", PARAM_NUMBER, 0.2, 0, 1, "", "β_sp", "",
                      "specific: bias of the ratio in ρ = α H^γ + β (Eq. 7)", AFFECTS_MASK},
    [P_RATIO_SP_GAMMA] = {"ratio.sp.gamma", "gamma_sp", PARAM_NUMBER, 1, 0.1, 10, "", "γ_sp", "",
                          "specific: power of the entropy (Eq. 7); released code 2", AFFECTS_MASK},
    [P_SELECT_RULE] = {"select.rule", "", PARAM_CHOICE, 0, 0, 2, "topk topk_hash quantile_ge", "",
                       "",
                       "how ρ selects neurons (Eq. 8): exactly ρM, the same with ties broken by a "
                       "hash, or all at or above the quantile",
                       AFFECTS_MASK},
    [P_MASK_MODE] = {"mask.mode", "", PARAM_CHOICE, 0, 0, MODES - 1,
                     "union general specific fixed overlap nonoverlap soft pooled random keymag "
                     "none complement redrawn previous",
                     "m", "", "neurons that the update may change (Eq. 8: union)", AFFECTS_MASK},
    [P_MASK_PLACE] = {"mask.place", "", PARAM_CHOICE, 0, 0, 1, "post pre", "", "",
                      "mask the solved update, or solve within the masked neurons", AFFECTS_SOLVE},
    [P_MASK_COMPENSATE] = {"mask.compensate", "", PARAM_CHOICE, 0, 0, 2, "none gain auto", "", "",
                           "scale a masked update back to the gain it had without the mask; auto = "
                           "where the mask keeps less than 0.8 of it",
                           AFFECTS_SOLVE},
    [P_MASK_FIXED_GE] = {"mask.fixed_ge", "", PARAM_NUMBER, 0.25, 0, 1, "", "ρ_ge", "",
                         "mask.mode fixed: general ratio instead of Eq. 6", AFFECTS_MASK},
    [P_MASK_FIXED_SP] = {"mask.fixed_sp", "", PARAM_NUMBER, 0.15, 0, 1, "", "ρ_sp", "",
                         "mask.mode fixed: specific ratio instead of Eq. 7", AFFECTS_MASK},
    [P_MASK_DENSITY] =
        {"mask.density", "", PARAM_NUMBER, 0, 0, 1, "", "", "",
         "mask.mode random, redrawn: share of neurons; 0 = as many as the union of Eq. 8",
         AFFECTS_MASK},
    [P_MASK_MASS] =
        {"mask.mass", "", PARAM_NUMBER, 0.8, 0, 1, "", "", "",
         "mask.mode keymag: share of the key's sum of |k_i| kept; 0 = as many as the union",
         AFFECTS_MASK},
    [P_MASK_PRE_MU] = {"mask.pre_mu", "", PARAM_NUMBER, 100, 0, 1e9, "", "μ", "",
                       "mask.place pre: weight of the preserved second moment", AFFECTS_SOLVE},
    [P_MASK_SHARE] = {"mask.share", "", PARAM_CHOICE, 0, 0, 1, "batch request", "", "",
                      "several facts at once: one mask for all, or one per fact", AFFECTS_MASK},
    [P_EDIT_METHOD] = {"edit.method", "", PARAM_CHOICE, 0, 0, METHODS - 1, &methods[1], "", "",
                       "editing method", AFFECTS_SOLVE},
    [P_EDIT_LAYERS] = {"edit.layers", "", PARAM_LAYERS, 0, 0, PARAM_MAX_LAYERS - 1, "", "S",
                       "layers", "layers that are edited: 4-8, or 4,6, or auto",
                       AFFECTS_TARGET | AFFECTS_SOLVE | AFFECTS_STATISTICS},
    [P_EDIT_PASSES] = {"edit.passes", "", PARAM_INTEGER, 1, 1, 8, "", "", "passes",
                       "passes over the layers; each works on the residual that is left",
                       AFFECTS_SOLVE},
    [P_EDIT_V_LR] = {"edit.v_lr", "", PARAM_NUMBER, 0.5, 1e-6, 100, "auto", "", "",
                     "learning rate of the target's optimisation (Adam); auto = 0.1 clamp |h| / "
                     "sqrt(d), up to four times that while p(new) stays below 0.5",
                     AFFECTS_TARGET},
    [P_EDIT_V_STEPS] = {"edit.v_steps", "", PARAM_INTEGER, 25, 1, 10000, "", "", "steps",
                        "maximum number of steps of the target's optimisation", AFFECTS_TARGET},
    [P_EDIT_V_WD] = {"edit.v_wd", "", PARAM_NUMBER, 0.5, 0, 1000, "", "", "",
                     "weight of |delta| / |h|^2 in the target's loss", AFFECTS_TARGET},
    [P_EDIT_WD_POWER] = {"edit.wd_power", "wd.power", PARAM_INTEGER, 1, 1, 2, "", "", "",
                         "power of |delta| in the target's loss; released code 1", AFFECTS_TARGET},
    [P_EDIT_V_KL] = {"edit.v_kl", "", PARAM_NUMBER, 0.0625, 0, 1000, "", "", "",
                     "weight of the divergence from the base model in the target's loss",
                     AFFECTS_TARGET},
    [P_EDIT_V_CLAMP] = {"edit.v_clamp", "", PARAM_NUMBER, 0.75, 1e-3, 1000, "auto", "", "",
                        "largest |delta| of the target, in units of |h|; auto = 0.75, doubled up "
                        "to 6 while p(new) stays below 0.9",
                        AFFECTS_TARGET},
    [P_EDIT_V_STOP] = {"edit.v_stop", "", PARAM_NUMBER, 0.05, 0, 100, "", "", "nats",
                       "loss at which the target's optimisation stops", AFFECTS_TARGET},
    [P_EDIT_V_LOSS_LAYER] = {"edit.v_loss_layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1,
                             "", "", "layer",
                             "layer whose output the target's loss reads; -1 = "
                             "last",
                             AFFECTS_TARGET},
    [P_EDIT_NULL_FRACTION] = {"edit.null_frac", "edit.null_fraction", PARAM_NUMBER, 0.7, 0, 1, "",
                              "P", "",
                              "share of directions counted as the null space of the second "
                              "moment",
                              AFFECTS_STATISTICS},
    [P_EDIT_NULL_THRESHOLD] =
        {"edit.null_threshold", "", PARAM_NUMBER, 0, 0, 1e9, "", "P", "",
         "eigenvalue below which a direction is null; 0 = use edit.null_fraction",
         AFFECTS_STATISTICS},
    [P_EDIT_LAMBDA] = {"edit.lambda", "lambda", PARAM_NUMBER, 1, 1e-9, 1e9, "auto", "λ", "",
                       "regularisation of the solve (L2 of the released code); auto = a share of "
                       "what the text's keys have in the null space",
                       AFFECTS_SOLVE},
    [P_EDIT_BATCH] = {"edit.batch", "", PARAM_INTEGER, 1, 1, 4096, "", "u", "facts",
                      "number of facts that one solve writes together", AFFECTS_SOLVE},
    [P_EDIT_SOLVER] =
        {"edit.solver", "", PARAM_CHOICE, 0, 0, 1, "lowrank dense", "", "",
         "form of the solve: a small factor that grows, or the full matrix as a check",
         AFFECTS_SOLVE},
    [P_EDIT_LOOKUP] = {"edit.lookup", "", PARAM_CHOICE, 0, 0, 1, "offsets prefix", "", "",
                       "how the subject's last token is found: text offsets, or the released "
                       "code's count",
                       AFFECTS_TARGET | AFFECTS_SOLVE},
    [P_STATS_TOKENS] = {"stats.tokens", "", PARAM_INTEGER, 153600, 1, 1e12, "", "", "tokens",
                        "text for the second moments; 100 times the neurons per layer is good",
                        AFFECTS_STATISTICS},
    [P_STATS_WINDOW] = {"stats.window", "", PARAM_INTEGER, 256, 1, 1048576, "", "", "tokens",
                        "length of each piece of the text; at most the model's context",
                        AFFECTS_STATISTICS},
    [P_ACCEPT_P_MIN] = {"accept.p_min", "", PARAM_NUMBER, 0, 0, 1, "", "", "probability",
                        "an edit is a success if all target tokens win and p(target) is at least "
                        "this",
                        AFFECTS_VERDICT},
    [P_SEED] = {"seed", "", PARAM_INTEGER, 0, 0, 4294967295.0, "", "", "", "random seed",
                AFFECTS_MASK},
    [P_PROMPT_FORM] = {"prompt.form", "", PARAM_CHOICE, 0, 0, 1, "plain chat", "", "",
                       "how a prompt is asked: as it is, or as the user's turn of the model's chat "
                       "form",
                       AFFECTS_WORDING},
    [P_PROMPT_SPECIAL] = {"prompt.special", "", PARAM_CHOICE, 0, 0, 1, "text token", "", "",
                          "special tokens in a text: read as plain characters, or as tokens",
                          AFFECTS_WORDING},
    [P_TARGET_BLANK] =
        {"target.blank", "", PARAM_CHOICE, 0, 0, 2, "auto yes no", "", "",
         "space between prompt and new object; auto: none between scripts written without spaces",
         AFFECTS_WORDING},
    [P_ATTR_WORDS] =
        {"attr.words", "", PARAM_INTEGER, 0, 0, 1e9, "", "", "words",
         "words of the vocabulary that the sums of LPS and PSA take, weighted to stand "
         "for all; 0 = all",
         AFFECTS_SCORES | PARAM_ADDED_LATER},
    EDITOR_PARAMS(PARAM_ROW)};

const struct param_info *param_info(enum param p)
{
    return &rows[p];
}
