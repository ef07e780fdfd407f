#define OPENSSL_SUPPRESS_DEPRECATED
#include "CCrypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/des.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/md4.h>
#include <openssl/params.h>
#include <string.h>

// MARK: DES

void afsfuse_des_set_odd_parity(uint8_t key[8]) { DES_set_odd_parity((DES_cblock *)key); }

int afsfuse_des_is_weak(const uint8_t key[8]) { return DES_is_weak_key((const_DES_cblock *)key) != 0; }

static int des(void (*mode)(const unsigned char *, unsigned char *, long, DES_key_schedule *, DES_cblock *, int),
               int encrypt, const uint8_t key[8], const uint8_t iv[8], const void *in, void *out, size_t count) {
  if (count % 8 != 0 || count > LONG_MAX) return 0;
  DES_key_schedule schedule;
  DES_cblock vector;
  // Servers' keys of old need not have odd parity, and the session key is the KDC's choice.
  DES_set_key_unchecked((const_DES_cblock *)key, &schedule);
  memcpy(vector, iv, sizeof vector);
  mode(in, out, (long)count, &schedule, &vector, encrypt ? DES_ENCRYPT : DES_DECRYPT);
  OPENSSL_cleanse(&schedule, sizeof schedule);
  OPENSSL_cleanse(vector, sizeof vector);
  return 1;
}

int afsfuse_des_cbc(int encrypt, const uint8_t key[8], const uint8_t iv[8], const void *in, void *out, size_t count) {
  return des(DES_ncbc_encrypt, encrypt, key, iv, in, out, count);
}

int afsfuse_des_pcbc(int encrypt, const uint8_t key[8], const uint8_t iv[8], const void *in, void *out, size_t count) {
  return des(DES_pcbc_encrypt, encrypt, key, iv, in, out, count);
}

// MARK: Digests

int afsfuse_digest(const char *name, const void *data, size_t count, uint8_t *out, size_t capacity) {
  if (strcmp(name, "MD4") == 0) {
    if (capacity < MD4_DIGEST_LENGTH) return 0;
    return MD4(data, count, out) != NULL;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t digest_count = 0;
  if (EVP_Q_digest(NULL, name, NULL, data, count, digest, &digest_count) != 1 || digest_count > capacity) return 0;
  memcpy(out, digest, digest_count);
  return 1;
}

int afsfuse_hmac(const char *digest, const void *key, size_t key_count, const void *data, size_t count, uint8_t *out,
                 size_t capacity) {
  size_t out_count = 0;
  return EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key, key_count, data, count, out, capacity, &out_count) != NULL;
}

// MARK: AES

static const char *aes_name(size_t key_count, const char *small, const char *large) {
  return key_count == 16 ? small : key_count == 32 ? large : NULL;
}

int afsfuse_aes_cts(int encrypt, const void *key, size_t key_count, const void *in, void *out, size_t count) {
  const char *name = aes_name(key_count, "AES-128-CBC-CTS", "AES-256-CBC-CTS");
  if (name == NULL || count < 16 || count > INT_MAX) return 0;
  static const unsigned char iv[16];
  char mode[] = "CS3";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_CIPHER_PARAM_CTS_MODE, mode, 0),
                         OSSL_PARAM_construct_end()};
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int done = 0, tail = 0;
  int good = cipher != NULL && context != NULL && EVP_CipherInit_ex2(context, cipher, key, iv, encrypt, params) == 1 &&
             EVP_CipherUpdate(context, out, &done, in, (int)count) == 1 &&
             EVP_CipherFinal_ex(context, (unsigned char *)out + done, &tail) == 1 && (size_t)(done + tail) == count;
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
  return good;
}

// MARK: Deriving keys

static int derive(const char *name, OSSL_PARAM *params, uint8_t *out, size_t out_count) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
  EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
  int good = context != NULL && EVP_KDF_derive(context, out, out_count, params) == 1;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return good;
}

int afsfuse_krb5_dk(const void *key, size_t key_count, const void *constant, size_t constant_count, uint8_t *out,
                    size_t out_count) {
  const char *cipher = aes_name(key_count, "AES-128-CBC", "AES-256-CBC");
  if (cipher == NULL || out_count != key_count) return 0;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, (char *)cipher, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_count),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_CONSTANT, (void *)constant, constant_count),
                         OSSL_PARAM_construct_end()};
  return derive("KRB5KDF", params, out, out_count);
}

int afsfuse_krb5_kdf_sha2(const char *digest, const void *key, size_t key_count, const void *label, size_t label_count,
                          uint8_t *out, size_t out_count) {
  char mac[] = "HMAC", mode[] = "COUNTER";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
                         OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
                         OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_count),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)label, label_count),
                         OSSL_PARAM_construct_end()};
  return derive("KBKDF", params, out, out_count);
}
