#include "core/base/sha1.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

struct sha1 {
    EVP_MD_CTX *ctx;
};

struct sha1 *sha1_new_blob(long long bytes)
{
    struct sha1 *s = xcalloc(1, sizeof(*s));
    char head[40];
    int n = snprintf(head, sizeof(head), "blob %lld", bytes);

    s->ctx = EVP_MD_CTX_new();
    if (!s->ctx || EVP_DigestInit_ex(s->ctx, EVP_sha1(), NULL) != 1)
        abort();
    sha1_add(s, head, (size_t)n + 1); /* with its NUL */
    return s;
}

void sha1_add(struct sha1 *s, const void *bytes, size_t n)
{
    if (EVP_DigestUpdate(s->ctx, bytes, n) != 1)
        abort();
}

void sha1_end(struct sha1 *s, char hex[41])
{
    unsigned char digest[20];

    if (EVP_DigestFinal_ex(s->ctx, digest, NULL) != 1)
        abort();
    for (int i = 0; i < 20; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)digest[i]);
    EVP_MD_CTX_free(s->ctx);
    free(s);
}
