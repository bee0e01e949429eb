/* Files of the command line: `-`, pipes and process substitution.
 *
 * A file that is read from beginning to end may be a pipe: file_spool() reads it once and keeps it,
 * so that every reader sees a file. Standard input can be read by one argument only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mpi.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

enum { TEXT_MOST = 64 << 20 };

/* Options whose file is read from beginning to end: it may be a pipe. */
static const enum option read_options[] = {OPT_FACT,   OPT_FACTS,    OPT_DATA,   OPT_Z,
                                           OPT_TEXT,   OPT_PREFIXES, OPT_CONFIG, OPT_PRESET,
                                           OPT_SCRIPT, OPT_ARMS};

/* Options that `-` cannot stand for, and why. */
static const struct {
    enum option option;
    const char *why;
} not_stdin[] = {
    {OPT_MODEL, "a model is mapped and hashed"},
    {OPT_SESSION, "a session is a database and is written in place"},
    {OPT_RUN, "a run is a session: a database that is written in place"},
    {OPT_FIGURE, "a figure is written to a temporary name and renamed"},
    {OPT_OUTPUT, "a RUN file is written to a temporary name and renamed"},
    {OPT_RECORD, "standard output is needed for other text"},
};

static bool same_text(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

/* The argument that is a file to be read; NULL for commands that take none. */
static const char **file_word(struct cli *c)
{
    bool check = c->ops == &cli_themes && c->rest_count == 2 && same_text(c->rest[0], "check");

    if (check)
        return &c->rest[1];
    if (c->rest_count == 1 &&
        (c->ops == &cli_replay || c->ops == &cli_view || c->ops == &cli_apply))
        return &c->rest[0];
    return NULL;
}

/* Every name of standard input. */
static bool is_stdin(const char *path)
{
    return same_text(path, "-") || same_text(path, FILE_STDIN) || same_text(path, "/dev/fd/0") ||
           same_text(path, "/proc/self/fd/0");
}

/* One argument may read standard input; *by is the one that does so far. */
static bool take_stdin(const char *name, const char **by, struct err *err)
{
    if (*by)
        return err_set(err, ERR_USAGE,
                       "%s and %s both read standard input; name a file for one of them", *by,
                       name);
    *by = name;
    return mpi_size() == 1 ||
           err_set(err, ERR_USAGE,
                   "%s: under mpirun only one process of %d gets standard input; name a file", name,
                   mpi_size());
}

/* Makes one file readable by everybody: keeps standard input or a pipe. */
static bool take_file(const char *name, const char **path, const char **by, struct err *err)
{
    if (!is_stdin(*path))
        return file_spool(*path, err);
    *path = FILE_STDIN;
    if (!take_stdin(name, by, err))
        return false;
    if (isatty(STDIN_FILENO))
        std_message("%s: reading standard input; press Ctrl-D to end it", name);
    return file_spool(*path, err);
}

static bool check_places(const struct cli *c, struct err *err)
{
    for (size_t i = 0; i < sizeof(not_stdin) / sizeof(*not_stdin); i++)
        if (same_text(c->value[not_stdin[i].option], "-"))
            return err_set(err, ERR_USAGE, "--%s -: %s; name a file",
                           option_infos[not_stdin[i].option].name, not_stdin[i].why);
    if (c->ops == &cli_export && same_text(c->value[OPT_TARGET_PATH], "-"))
        return err_set(err, ERR_USAGE,
                       "--to -: an export is written, reopened and renamed; name a file "
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
        if (same_text(c->rest[i], "-") && !take_stdin("the text -", &by, err))
            return false;
    if (asks && !c->rest_count && c->ops != &cli_bisect)
        by = c->ops->name; /* without arguments it reads standard input */
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
