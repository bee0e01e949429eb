#include "core/base/sha256.h"

/* OpenSSL's headers make a type of this name, which here is one of enum err_kind. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *s = xcalloc(1, sizeof(*s));

    s->ctx = EVP_MD_CTX_new();
    if (!s->ctx || EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1)
        abort();
    return s;
}

void sha256_add(struct sha256 *s, const void *bytes, size_t n)
{
    if (EVP_DigestUpdate(s->ctx, bytes, n) != 1)
        abort();
}

void sha256_end(struct sha256 *s, unsigned char digest[32])
{
    if (EVP_DigestFinal_ex(s->ctx, digest, NULL) != 1)
        abort();
    EVP_MD_CTX_free(s->ctx);
    free(s);
}

void sha256_hex(const unsigned char digest[32], char hex[65])
{
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void sha256_of(const void *bytes, size_t n, char hex[65])
{
    unsigned char digest[32];
    struct sha256 *s = sha256_new();

    sha256_add(s, bytes, n);
    sha256_end(s, digest);
    sha256_hex(digest, hex);
}
