// The few primitives of OpenSSL's libcrypto that rxkad and its tickets need, behind functions without OpenSSL's types:
// DES exists in OpenSSL 3 as deprecated functions only, which Swift could not call without a warning.
// All return 1, or 0 when libcrypto refuses (an algorithm that is switched off, a wrong length).
#ifndef AFSFUSE_CCRYPTO_H
#define AFSFUSE_CCRYPTO_H

#include <stddef.h>
#include <stdint.h>

/// Sets each byte's lowest bit so that the byte has an odd number of ones.
void afsfuse_des_set_odd_parity(uint8_t key[8]);
/// Whether it is one of DES's 16 weak and semi-weak keys.
int afsfuse_des_is_weak(const uint8_t key[8]);
/// DES over whole blocks of 8 bytes, in place or not; `iv` is left as it is.
int afsfuse_des_cbc(int encrypt, const uint8_t key[8], const uint8_t iv[8], const void *in, void *out, size_t count);
int afsfuse_des_pcbc(int encrypt, const uint8_t key[8], const uint8_t iv[8], const void *in, void *out, size_t count);

/// A digest ("MD5", "SHA1", "SHA256" ...) into `out`, which has room for `capacity` bytes. MD4 too, which OpenSSL 3
/// keeps out of its default provider.
int afsfuse_digest(const char *name, const void *data, size_t count, uint8_t *out, size_t capacity);
/// HMAC with that digest.
int afsfuse_hmac(const char *digest, const void *key, size_t key_count, const void *data, size_t count, uint8_t *out,
                 size_t capacity);

/// AES in CBC mode with ciphertext stealing, the last two blocks exchanged (CS3), iv zero: RFC 3962 section 5.
/// Key of 16 or 32 bytes, at least 16 bytes of data.
int afsfuse_aes_cts(int encrypt, const void *key, size_t key_count, const void *in, void *out, size_t count);
/// DK of RFC 3961 section 5.1 with AES: a key for one use. `out_count` is the key's size.
int afsfuse_krb5_dk(const void *key, size_t key_count, const void *constant, size_t constant_count, uint8_t *out,
                    size_t out_count);
/// KDF-HMAC-SHA2 of RFC 8009 section 3 without a context.
int afsfuse_krb5_kdf_sha2(const char *digest, const void *key, size_t key_count, const void *label, size_t label_count,
                          uint8_t *out, size_t out_count);

#endif
