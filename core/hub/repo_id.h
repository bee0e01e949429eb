/* Names that become parts of URLs and paths. They come from users and from the server, so each is
 * checked before use; a name that passes cannot leave the folder it is put in. */
#ifndef CORE_HUB_REPO_ID_H
#define CORE_HUB_REPO_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

bool repo_id_valid(const char *repo); /* [org/]name, by the rules of huggingface_hub */
/* A branch, tag or commit that can be a path below refs/. */
bool revision_valid(const char *revision);
/* A file's path in a repository: printable ASCII, relative, without . and .. */
bool repo_path_valid(const char *path);
bool is_commit_hash(const char *text); /* 40 lower-case hex digits */
bool is_etag(const char *text);        /* 40 or 64 lower-case hex digits */
/* Appends the text percent-encoded: all but A-Za-z0-9-._~ and, with `slashes`, /. */
void url_encode(struct buf *out, const char *text, bool slashes);
/* Appends models--ORG--NAME: the repository's folder in the cache. */
void repo_folder(struct buf *out, const char *repo);
/* Whether a GGUF file is meant by a word: its path, its name, or the type of its weights at the end
 * of the name (Q4_K_M of llama-8B.Q4_K_M.gguf). Case of names and types does not matter. */
bool gguf_name_matches(const char *path, const char *word);

#endif
