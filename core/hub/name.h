/* Names that become URLs and paths: what they may hold, and how they are written. */
#ifndef CORE_HUB_NAME_H
#define CORE_HUB_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

bool name_repo_good(const char *repo);         /* [org/]name, as huggingface_hub has it */
bool name_revision_good(const char *revision); /* a git ref that stays below refs/ */
/* Of a file: printable ASCII, relative, stays below its folder. */
bool name_path_good(const char *path);
bool name_is_commit(const char *text); /* 40 hex digits */
bool name_is_etag(const char *text);   /* 40 or 64 small hex digits */
/* Percent-encodes all but A-Za-z0-9-._~, and / unless `slashes`. */
void name_encode(struct buf *out, const char *text, bool slashes);
/* models--org--name */
void name_folder(struct buf *out, const char *repo);
/* Whether a GGUF file's name answers to a word: the path itself, its last part, or the part of it
 * that says the type of the weights (Q4_K_M of a-B.Q4_K_M.gguf); capitals do not matter. */
bool name_gguf_matches(const char *path, const char *word);

#endif
