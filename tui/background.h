/* Finds out whether the terminal's own background is light or dark, to choose between two default
 * themes. Two sources: the variable COLORFGBG, which some terminals set, and the escape sequence
 * OSC 11, which asks the terminal itself. */
#ifndef TUI_BACKGROUND_H
#define TUI_BACKGROUND_H

#include <stdbool.h>
#include <stddef.h>

/* Reads COLORFGBG, "15;0" or "0;default;15": the last number is the background's palette index.
 * Returns false where it says nothing (NULL, no number); *light is then unchanged. */
bool background_from_environment(const char *colorfgbg, bool *light);
/* Looks for a terminal's answer to OSC 11 ("ESC ] 11 ; rgb:RRRR/GGGG/BBBB") anywhere in these
 * bytes. Light means CIELAB lightness L* above 50. Returns false if there is no answer. */
bool background_parse_answer(const char *bytes, size_t n, bool *light);
/* Asks the terminal behind `fd` (OSC 11) and waits at most this long. A terminal that does not know
 * OSC 11 still answers the question sent after it (DA1, "what are you?"), so the wait is short
 * there too. Call it before term_open() only: it reads and drops what is typed meanwhile. Returns
 * false without an answer. */
bool background_query(int fd, int timeout_ms, bool *light);

#endif
