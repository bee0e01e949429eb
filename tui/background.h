/* Is the terminal's own ground light or dark? */
#ifndef TUI_BACKGROUND_H
#define TUI_BACKGROUND_H

#include <stdbool.h>
#include <stddef.h>

/* What COLORFGBG ("15;0", "0;default;15") says; false: nothing, and *light is as it was. */
bool background_from_environment(const char *colorfgbg, bool *light);
/* A terminal's answer to OSC 11 somewhere in these bytes; false: there is none. */
bool background_parse_answer(const char *bytes, size_t n, bool *light);
/* Asks the terminal behind `fd` (OSC 11), and waits at most that long. A terminal that does not
 * know the question answers the one asked after it (DA1), so the wait is short there too. Before
 * term_open() only: it reads what is typed meanwhile. false: no answer. */
bool background_query(int fd, int timeout_ms, bool *light);

#endif
