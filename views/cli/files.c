/* What the command line names to be read or written: `-` and pipes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mpi.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

enum { TEXT_MOST = 64 << 20 };

/* Read from beginning to end: a pipe will do. */
static const enum option read_options[] = {OPT_FACT,   OPT_FACTS,  OPT_DATA,
                                           OPT_Z,      OPT_TEXT,   OPT_PREFIXES,
                                           OPT_CONFIG, OPT_PRESET, OPT_SCRIPT};

/* Those that `-` cannot stand for, and why. */
static const struct {
    enum option option;
    const char *why;
} places[] = {
    {OPT_MODEL, "a model is mapped and hashed"},
    {OPT_SESSION, "a session is a database, which is written in place"},
    {OPT_OUTPUT, "a RUN file is written beside its place and renamed"},
    {OPT_RECORD, "a recording is written while standard output has other things to say"},
};

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

/* The word of the rest that is a file to be read: NULL for commands that take none. */
static const char **file_word(struct cli *c)
{
    bool check = c->ops == &cli_themes && c->rest_count == 2 && same(c->rest[0], "check");

    if (check)
        return &c->rest[1];
    if (c->rest_count == 1 &&
        (c->ops == &cli_replay || c->ops == &cli_view || c->ops == &cli_apply))
        return &c->rest[0];
    return NULL;
}

static bool is_stdin(const char *path)
{
    return same(path, "-") || same(path, FILE_STDIN) || same(path, "/dev/fd/0") ||
           same(path, "/proc/self/fd/0");
}

/* One argument may read standard input; *by is the one that does so far. */
static bool take_stdin(const char *name, const char **by, struct err *err)
{
    if (*by)
        return err_set(err, ERR_USAGE,
                       "%s and %s both read standard input, which comes once: name a file for one",
                       *by, name);
    *by = name;
    return mpi_size() == 1 ||
           err_set(err, ERR_USAGE,
                   "%s: under mpirun standard input reaches one process of %d: name a file", name,
                   mpi_size());
}

static bool take_file(const char *name, const char **path, const char **by, struct err *err)
{
    if (!is_stdin(*path))
        return file_spool(*path, err);
    *path = FILE_STDIN;
    if (!take_stdin(name, by, err))
        return false;
    if (isatty(STDIN_FILENO))
        std_message("%s: reading standard input, Ctrl-D ends it", name);
    return file_spool(*path, err);
}

static bool check_places(const struct cli *c, struct err *err)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (same(c->value[places[i].option], "-"))
            return err_set(err, ERR_USAGE, "--%s -: %s: it has to be a file",
                           option_infos[places[i].option].name, places[i].why);
    if (c->ops == &cli_export && same(c->value[OPT_TO], "-"))
        return err_set(
            err, ERR_USAGE,
            "--to -: an export is written, opened again and renamed: it has to be a file "
            "or a folder");
    return true;
}

bool cli_files(struct cli *c, struct err *err)
{
    char names[sizeof(read_options) / sizeof(*read_options)][24];
    const char **word = file_word(c), *by = NULL;
    bool asks = c->ops == &cli_query || c->ops == &cli_bisect ||
                (c->ops == &cli_tokens && !cli_has(c, OPT_DECODE));

    if (!check_places(c, err))
        return false;
    for (int i = 0; asks && i < c->rest_count; i++)
        if (same(c->rest[i], "-") && !take_stdin("the text -", &by, err))
            return false;
    if (asks && !c->rest_count && c->ops != &cli_bisect)
        by = c->ops->name; /* without words its text is there */
    for (size_t i = 0; i < sizeof(read_options) / sizeof(*read_options); i++) {
        const char **value = &c->value[read_options[i]];

        snprintf(names[i], sizeof(names[i]), "--%s", option_infos[read_options[i]].name);
        if (*value && !take_file(names[i], value, &by, err))
            return false;
    }
    return !word || take_file(c->ops->name, word, &by, err);
}

char *cli_stdin_text(const char *name, struct err *err)
{
    char *text =
        file_spool(FILE_STDIN, err) ? file_read_text(FILE_STDIN, TEXT_MOST, NULL, err) : NULL;

    if (!text)
        err_in(err, "%s", name);
    else if (*text && text[strlen(text) - 1] == '\n')
        text[strlen(text) - 1] = '\0';
    return text;
}
