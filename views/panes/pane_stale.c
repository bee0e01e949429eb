/* How panes mark a result that was made from something else than what is at hand: a hatch and words
 * in the title, and the content dim and hatched.
 *
 *   ╭ Lens: rank by layer  ╱ of Eiffel Tower → Rome ╮
 *   │╱   1                            ⡰⠊⠉ Rome     ╱│ */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "views/panes/panes.h"

bool pane_stale_words(const char *part, const char *words, char *title, size_t n)
{
    size_t used = strlen(title);

    if (*words)
        show_print(title + used, n - used, "  " STALE_HATCH " %s%s%s", part, *part ? " " : "",
                   words);
    return *words;
}

bool pane_stale_part_title(const struct ui_state *d, const void *result, const char *part,
                           char *title, size_t n)
{
    char words[UI_WORDS];

    return pane_stale_words(part, ui_differs_words(d, result, words), title, n);
}

bool pane_stale_title(const struct ui_state *d, const void *result, char *title, size_t n)
{
    return pane_stale_part_title(d, result, "", title, n);
}

bool pane_scores_title(const struct ui_state *d, const void *result, char *title, size_t n)
{
    size_t used = strlen(title);

    utf8_copy(title + used, n - used, scores_of_base(&d->params));
    return pane_stale_title(d, result, title, n);
}
