/* Hashes with libcrypto. Its calls can fail here only when memory runs out. */
#include "core/base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"

/* A struct digest is libcrypto's context under another name. */
static EVP_MD_CTX *digest_context(struct digest *d)
{
    return (EVP_MD_CTX *)d;
}

static void check_status(int status)
{
    if (status != 1)
        invariant_give_up("not enough memory");
}

static struct digest *digest_new(const EVP_MD *kind)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    check_status(ctx && EVP_DigestInit_ex(ctx, kind, NULL) == 1);
    return (struct digest *)ctx;
}

struct digest *sha256_new(void)
{
    return digest_new(EVP_sha256());
}

struct digest *sha1_new_blob(long long length)
{
    struct digest *d = digest_new(EVP_sha1());
    char head[40];
    int n = snprintf(head, sizeof(head), "blob %lld", length);

    digest_add(d, head, (size_t)n + 1); /* with its NUL */
    return d;
}

struct digest *digest_copy(const struct digest *d)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    check_status(ctx && EVP_MD_CTX_copy_ex(ctx, (const EVP_MD_CTX *)d) == 1);
    return (struct digest *)ctx;
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
    check_status(EVP_DigestUpdate(digest_context(d), bytes, n));
}

/* Writes the hash, frees d, and returns the bytes of the hash. */
static int digest_finish(struct digest *d, unsigned char *out)
{
    int size = EVP_MD_CTX_size(digest_context(d));

    check_status(EVP_DigestFinal_ex(digest_context(d), out, NULL));
    EVP_MD_CTX_free(digest_context(d));
    return size;
}

void digest_end(struct digest *d, unsigned char out[32])
{
    digest_finish(d, out);
}

void digest_end_hex(struct digest *d, char hex[65])
{
    unsigned char out[32];
    int size = digest_finish(d, out);

    for (int i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
}

void digest_end_name(struct digest *d, char name[17])
{
    char hex[65];

    digest_end_hex(d, hex);
    memcpy(name, hex, 16);
    name[16] = '\0';
}

void sha256_of(const void *bytes, size_t n, char hex[65])
{
    struct digest *d = sha256_new();

    digest_add(d, bytes, n);
    digest_end_hex(d, hex);
}

void sha256_name(const void *bytes, size_t n, char name[17])
{
    struct digest *d = sha256_new();

    digest_add(d, bytes, n);
    digest_end_name(d, name);
}
