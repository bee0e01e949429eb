/* A terminal description with other colours, in the compiled form of term(5).
 *
 * term.c needs it where the colours to be used are not those that the terminfo database states. For
 * example, TERM=xterm-256color has 256 colours there, although the terminal takes 24-bit colours.
 */
#ifndef TUI_TERMINFO_ENTRY_H
#define TUI_TERMINFO_ENTRY_H

struct buf;

/* A description that has been read: the library's names of capabilities (NULL ends each list), and
 * its functions that give their values. */
struct terminfo_source {
    const char *const *flags, *const *numbers, *const *texts;
    int (*flag)(const char *name);   /* > 0: true */
    int (*number)(const char *name); /* < 0: absent */
    char *(*text)(const char *name); /* NULL or -1: absent */
};

/* Appends the description, under this name and with COLOURS_INDEXED or COLOURS_DIRECT colours. */
void terminfo_entry_write(const struct terminfo_source *from, const char *name, int colours,
                          struct buf *out);

#endif
