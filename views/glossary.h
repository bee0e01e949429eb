/* The words of the screen, explained: what K shows in a box, and the section TERMS of editscope(1).
 *
 * TERMS is the table. A row is X(places, term, text):
 *
 *   places  where the term stands: names of views, and of the panes of the Edit view
 * ("edit.ratios"), separated by blanks. The box shows the terms of the pane with the focus term as
 * it stands on the screen text    two or three sentences; Eq. numbers are those of the paper,
 * sections those of editscope-method(7)
 *
 * A test looks for each term on a golden screen of its places, and lint for its text in the manual.
 */
#ifndef VIEWS_GLOSSARY_H
#define VIEWS_GLOSSARY_H

#include <stdbool.h>

#define TERMS(X)                                                                                   \
    X("edit.fact", "now says",                                                                     \
      "The most probable next tokens after the prompt, in the present state, with their "          \
      "probabilities.")                                                                            \
    X("edit.fact compare history", "p(target)",                                                    \
      "The probability of the whole new object after the prompt: the product over its tokens, "    \
      "each "                                                                                      \
      "read after the object's own earlier tokens (9.1).")                                         \
    X("edit.fact edit.lens lens", "rank",                                                          \
      "The place of a token in the list of all tokens, the most probable first. Rank 1 is what "   \
      "the "                                                                                       \
      "model says.")                                                                               \
    X("edit.params", "scaler gen.",                                                                \
      "α_ge: how much the ratio of general neurons grows with their entropy (4.5). With 0 the "   \
      "ratio is the bias alone.")                                                                  \
    X("edit.params", "bias gen.",                                                                  \
      "β_ge: the share of neurons taken as general when the entropy is 0 (4.5).")                  \
    X("edit.params", "temperature",                                                                \
      "τ in Eq. 6: scores are divided by it before they become shares. A low value lets the "     \
      "strongest neurons count alone.")                                                            \
    X("edit.params", "amplify",                                                                    \
      "How much a neuron's coefficient is amplified to see what it does to the answer (Eq. 2).")   \
    X("edit.params", "mask union",                                                                 \
      "Which neurons may be written (Eq. 8): union takes those that are general or specific. M "   \
      "shows the other choices.")                                                                  \
    X("edit.params", "topk",                                                                       \
      "How a ratio becomes a choice (4.6): topk takes exactly that share, the highest scores "     \
      "first.")                                                                                    \
    X("edit.map heatmap", "nats",                                                                  \
      "The unit of log probabilities, with the natural logarithm. A score of 1 nat makes the "     \
      "answer "                                                                                    \
      "2.7 times as probable.")                                                                    \
    X("edit.map heatmap", "LPS",                                                                   \
      "Log probability shift (Eq. 3): by how much log p of the explained token rises when this "   \
      "neuron is amplified. PSA is the same with p instead of log p.")                             \
    X("edit.map heatmap", "max of each bin",                                                       \
      "A cell stands for several neighbouring neurons, a bin, and shows the strongest of them. "   \
      "It can show the mean or a count instead; zooming in shows single neurons.")                 \
    X("edit.map heatmap", "clip",                                                                  \
      "The colours end at the value that this share of the cells does not exceed. Stronger cells " \
      "have the last colour, so that one neuron does not make the others pale.")                   \
    X("edit.map heatmap", "MPC",                                                                   \
      "The neuron's coefficient instead of a score (3.6). It comes free with a forward pass and "  \
      "stands, with ≈, until the scores are there; no mask is made from it.")                      \
    X("edit.map heatmap", "peak", "The layer with the strongest neuron.")                          \
    X("edit.ratios ratios", "ρ_ge",                                                                \
      "The share of a layer's neurons that count as general: α_ge · H_ge + β_ge (4.5).")           \
    X("edit.ratios ratios", "H_ge",                                                                \
      "The entropy of the scores over the neurons, the mean over the rows (Eq. 6): 0 if one "      \
      "neuron "                                                                                    \
      "has all, 1 if all have the same.")                                                          \
    X("edit.ratios ratios", "ρ_sp",                                                                \
      "The share of a layer's neurons that count as specific: α_sp · H_sp + β_sp (4.5).")          \
    X("edit.ratios ratios", "H_sp",                                                                \
      "The entropy of the neurons' largest scores (Eq. 7): low if few neurons carry the fact.")    \
    X("edit.ratios ratios", "▲gen",                                                                \
      "General neurons: their score is above the mean in many rows, whatever stands before the "   \
      "prompt (Eq. 4). The number counts those that are not specific as well.")                    \
    X("edit.ratios ratios", "●spec",                                                               \
      "Specific neurons: their score is high in at least one row (Eq. 5). The number counts "      \
      "those "                                                                                     \
      "that are not general as well.")                                                             \
    X("edit.ratios ratios", "◆both", "Neurons that are general and specific.")                     \
    X("edit.ratios ratios", "kept",                                                                \
      "How many neurons the mask keeps, and their share: the columns of the layer that the edit "  \
      "may "                                                                                       \
      "write (Eq. 8).")                                                                            \
    X("edit.ratios ratios compare", "gain",                                                        \
      "The share of the wanted change that the layer makes for the fact's own key (7.10): 1 is "   \
      "all "                                                                                       \
      "of it. ≈ marks an estimate.")                                                               \
    X("edit.ratios ratios", "leak/g²",                                                             \
      "How much the update moves other text for the gain it has, against the unmasked update "     \
      "(7.10). 1× leaks as much as no mask; less is better.")                                      \
    X("edit.ratios", "tied",                                                                       \
      "The share of neurons whose score equals the last one chosen. Which of them are taken is "   \
      "decided by the mean z-score, then by the index (4.6).")                                     \
    X("edit.lens", "Lens: rank by layer",                                                          \
      "What each layer's output would say if the model ended there. The curves are the ranks of "  \
      "the "                                                                                       \
      "old and the new object; where they cross, one overtakes the other.")                        \
    X("edit.neurons", "Strongest neurons",                                                         \
      "The neurons of the edited layers with the largest score over the rows (Eq. 5), and the "    \
      "words "                                                                                     \
      "that each makes more probable.")                                                            \
    X("neurons", "coeff",                                                                          \
      "The neuron's coefficient m for the bare prompt (Eq. 1): what its value vector is "          \
      "multiplied "                                                                                \
      "by.")                                                                                       \
    X("neurons", "‖v‖",                                                                            \
      "The length of the neuron's value vector, its column of the output matrix.")                 \
    X("neurons", "promotes",                                                                       \
      "The tokens that the value vector makes most probable, read through the head; suppresses: "  \
      "least.")                                                                                    \
    X("lens", "Top token",                                                                         \
      "For each layer and position the token that the layer's output would say next, through the " \
      "final norm and the head.")                                                                  \
    X("compare", "leak/gain²",                                                                     \
      "leak/g² of the Edit view, the mean over the layers (9.4). Less is better.")                 \
    X("compare", "at equal gain",                                                                  \
      "The update is scaled after the mask so that all methods change the fact by the same "       \
      "amount; "                                                                                   \
      "then their leaks can be compared (7.6).")                                                   \
    X("compare", "‖ΔW‖/‖W‖",                                                                       \
      "The size of the change against the size of the matrix, the mean over the layers (9.4).")    \
    X("compare", "key size",                                                                       \
      "A control: as many neurons as the mask has, those with the largest key (4.7).")             \
    X("facts", "rephrase",                                                                         \
      "The fact asked in other words. Passed when the new object comes (9.2).")                    \
    X("facts verdict", "question",                                                                 \
      "The fact asked as a question and answer, as plain text (9.2).")                             \
    X("facts verdict", "chat", "The question as a user's turn of the model's chat form (9.2).")    \
    X("facts", "follows",                                                                          \
      "What follows from the new fact, asked with its own answer (portability, 9.2).")             \
    X("facts edit.verdict verdict", "neighbours",                                                  \
      "Other facts that must stay as they are (locality, 9.2). Those that the base already fails " \
      "say "                                                                                       \
      "nothing about the edit.")                                                                   \
    X("edit.verdict verdict", "earlier",                                                           \
      "The facts of the other edits of the session, asked again after this one. One that held "    \
      "before and does not after was overwritten (9.3).")                                          \
    X("history", "Drift over the edits",                                                           \
      "How many facts, and neighbours that the base knows, still hold after each edit of the "     \
      "session, from the first "                                                                   \
      "to "                                                                                        \
      "the last.")                                                                                 \
    X("history", "checksum",                                                                       \
      "A SHA-256 of the edited matrices. The same edits give the same one, bit for bit, and undo " \
      "brings back the one before.")                                                               \
    X("run", "Rel",                                                                                \
      "Reliability: the new object after the fact's own prompt, each of its tokens read "          \
      "after those before it (teacher-forced, 14.1). The value is the share of tokens "            \
      "that are right.")                                                                           \
    X("run", "Gen",                                                                                \
      "Generality: the same after other words for the prompt, the mean over the rephrases "        \
      "(14.1).")                                                                                   \
    X("run", "Loc",                                                                                \
      "Locality: the same after neighbours' prompts, where the tokens that the base says "         \
      "count as right (14.1).")                                                                    \
    X("run", "Port",                                                                               \
      "Portability: the same of what follows from the fact, each with its own answer "             \
      "(14.1). Of several right answers the best counts (14.3).")                                  \
    X("run", "em",                                                                                 \
      "The generated answer is the wanted one, but for case, punctuation and articles "            \
      "(14.2). Of contains it is enough that the wanted words stand in it.")                       \
    X("run", "ES, PS, NS",                                                                         \
      "The share of prompts after which the wanted answer is more probable a token than "          \
      "its rival: of the fact, its rephrases, its neighbours (14.3).")                             \
    X("run", "score",                                                                              \
      "The harmonic mean of ES, PS and NS: 0 if one of them is 0, none if one is not "             \
      "known (14.3).")                                                                             \
    X("run", "immediate", "Asked right after the edit that wrote the record (14).")                \
    X("run", "final",                                                                              \
      "Asked of all records that were written so far, at a checkpoint (14). Immediate "            \
      "less final is what later edits took away.")                                                 \
    X("run", "by age",                                                                             \
      "Retention: the mean of final over four equal parts of the edits, by the number of "         \
      "edits since the record's own (14.3).")                                                      \
    X("run", "Holm",                                                                               \
      "p of the difference of two arms, from flipping its signs record by record, "                \
      "corrected for how many arms are compared (14.4).")                                          \
    X("run", "‖ΔW‖",                                                                               \
      "Drift: the Frobenius norm of the matrix less what it was at first, ‖W − W₀‖ "       \
      "(14.5). The largest layer is shown.")                                                       \
    X("run", "stable rank",                                                                        \
      "‖ΔW‖² / σ(ΔW)²: over how many directions the change is spread, 1 if it has one "   \
      "(14.5).")                                                                                   \
    X("run", "leak",                                                                               \
      "The share by which the layer's output changes on the text of the second moments "           \
      "(14.5).")                                                                                   \
    X("run", "ΔHE/HE",                                                                             \
      "By how much the hyperspherical energy changed: how the directions of the matrix's "         \
      "vectors crowd, more where they do (14.5).")

struct glossary_term {
    const char *places, *term, *text;
};
extern const struct glossary_term glossary[]; /* a NULL term ends it */

/* Whether the term stands in this place. */
bool glossary_has(const struct glossary_term *term, const char *place);

#endif
