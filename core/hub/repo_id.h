/* Names that become URLs and paths: what they may hold, and how they are written. */
#ifndef CORE_HUB_REPO_ID_H
#define CORE_HUB_REPO_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

bool repo_id_valid(const char *repo);      /* [org/]name, as huggingface_hub has it */
bool revision_valid(const char *revision); /* a git ref that stays below refs/ */
/* Of a file: printable ASCII, relative, stays below its folder. */
bool repo_path_valid(const char *path);
bool is_commit_hash(const char *text); /* 40 hex digits */
bool is_etag(const char *text);        /* 40 or 64 small hex digits */
/* Percent-encodes all but A-Za-z0-9-._~, and / unless `slashes`. */
void url_encode(struct buf *out, const char *text, bool slashes);
/* models--org--name */
void repo_folder(struct buf *out, const char *repo);
/* Whether a GGUF file's name answers to a word: the path itself, its last part, or the part of it
 * that says the type of the weights (Q4_K_M of a-B.Q4_K_M.gguf); capitals do not matter. */
bool gguf_name_matches(const char *path, const char *word);

#endif
