// libkrb5, MIT's: tickets from credential caches, keytabs and KDCs.
#ifndef AFSFUSE_CKRB5_SHIM_H
#define AFSFUSE_CKRB5_SHIM_H
#include <krb5/krb5.h>

// Casts with a sign, which Swift does not import as numbers of the type that the functions take.
static inline int afsfuse_krb5_is_renewable(krb5_flags flags) { return (flags & TKT_FLG_RENEWABLE) != 0; }
static inline krb5_error_code afsfuse_krb5_cc_notfound(void) { return KRB5_CC_NOTFOUND; }
static inline krb5_error_code afsfuse_krb5_fcc_nofile(void) { return KRB5_FCC_NOFILE; }
static inline krb5_error_code afsfuse_krb5_service_unknown(void) { return KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN; }
static inline krb5_error_code afsfuse_krb5_kdc_unreach(void) { return KRB5_KDC_UNREACH; }
static inline krb5_error_code afsfuse_krb5_kt_end(void) { return KRB5_KT_END; }
#endif
