/// Tables of com_err codes: consecutive numbers from a base.
struct ErrorTable: Sendable {
  let base: Int32
  let names: [String]

  /// The name of `code`, if it is of this table.
  func name(of code: Int32) -> String? {
    let index = Int(code) - Int(base)
    return names.indices.contains(index) ? names[index] : nil
  }

  static let all: [ErrorTable] = ofSecurityClasses + [.vl, .pr, .ubik, .volser]
  static let ofSecurityClasses: [ErrorTable] = [.rxkad, .rxgk]

  /// Codes of the volume location service (OpenAFS src/vlserver/vl_errors.et).
  static let vl = ErrorTable(
    base: 363520,
    names: [
      "VL_IDEXIST", "VL_IO", "VL_NAMEEXIST", "VL_CREATEFAIL", "VL_NOENT", "VL_EMPTY", "VL_ENTDELETED", "VL_BADNAME",
      "VL_BADINDEX", "VL_BADVOLTYPE", "VL_BADSERVER", "VL_BADPARTITION", "VL_REPSFULL", "VL_NOREPSERVER",
      "VL_DUPREPSERVER", "VL_RWNOTFOUND", "VL_BADREFCOUNT", "VL_SIZEEXCEEDED", "VL_BADENTRY", "VL_BADVOLIDBUMP",
      "VL_IDALREADYHASHED", "VL_ENTRYLOCKED", "VL_BADVOLOPER", "VL_BADRELLOCKTYPE", "VL_RERELEASE", "VL_BADSERVERFLAG",
      "VL_PERM", "VL_NOMEM", "VL_BADVERSION", "VL_INDEXERANGE", "VL_MULTIPADDR", "VL_BADMASK", "VL_DBBAD",
    ])

  /// Codes of the protection service (OpenAFS src/ptserver/pterror.et).
  static let pr = ErrorTable(
    base: 267264,
    names: [
      "PREXIST", "PRIDEXIST", "PRNOIDS", "PRDBFAIL", "PRNOENT", "PRPERM", "PRNOTGROUP", "PRNOTUSER", "PRBADNAM",
      "PRBADARG", "PRNOMORE", "PRDBBAD", "PRGROUPEMPTY", "PRINCONSISTENT", "PRDBADDR", "PRTOOMANY", "PRNOMEM",
      "PRINTERNAL", "PRNAMETOOLONG",
    ])

  /// Codes of the rxkad security class (OpenAFS src/rxkad/rxkad_errs.et).
  static let rxkad = ErrorTable(
    base: 19_270_400,
    names: [
      "RXKADINCONSISTENCY", "RXKADPACKETSHORT", "RXKADLEVELFAIL", "RXKADTICKETLEN", "RXKADOUTOFSEQUENCE", "RXKADNOAUTH",
      "RXKADBADKEY", "RXKADBADTICKET", "RXKADUNKNOWNKEY", "RXKADEXPIRED", "RXKADSEALEDINCON", "RXKADDATALEN",
      "RXKADILLEGALLEVEL",
    ])

  /// Codes of the rxgk security class (OpenAFS src/rxgk/rxgk_errs.et).
  static let rxgk = ErrorTable(
    base: 1_233_242_880,
    names: [
      "RXGK_INCONSISTENCY", "RXGK_PACKETSHORT", "RXGK_BADCHALLENGE", "RXGK_BADETYPE", "RXGK_BADLEVEL", "RXGK_BADKEYNO",
      "RXGK_EXPIRED", "RXGK_NOTAUTH", "RXGK_BAD_TOKEN", "RXGK_SEALED_INCON", "RXGK_DATA_LEN", "RXGK_BAD_QOP",
    ])

  /// Codes of the replicated databases (OpenAFS src/ubik/uerrors.et).
  static let ubik = ErrorTable(
    base: 5376,
    names: [
      "UNOQUORUM", "UNOTSYNC", "UNHOSTS", "UIOERROR", "UINTERNAL", "USYNC", "UNOENT", "UBADLOCK", "UBADLOG", "UBADHOST",
      "UBADTYPE", "UTWOENDS", "UDONE", "UNOSERVERS", "UEOF", "ULOGIO", "UBADFAM", "UBADCELL", "UBADSECGRP", "UBADGROUP",
      "UBADUUID", "UNOMEM", "UNOTMEMBER", "UNBINDINGS", "UBADPRINNAME", "UPIPE", "UDEADLOCK", "UEXCEPTION", "UTPQFAIL",
      "USKEWED", "UNOLOCK", "UNOACCESS", "UNOSPC", "UBADPATH", "UBADF", "UREINITIALIZE", "UMUTEXINIT", "UMUTEXDESTROY",
    ])

  /// Codes of the volume server (OpenAFS src/volser/volerr.et).
  static let volser = ErrorTable(
    base: 1_492_325_120,
    names: [
      "VOLSERTRELE_ERROR", "VOLSERNO_OP", "VOLSERREAD_DUMPERROR", "VOLSERDUMPERROR", "VOLSERATTACH_ERROR",
      "VOLSERILLEGAL_PARTITION", "VOLSERDETACH_ERROR", "VOLSERBAD_ACCESS", "VOLSERVLDB_ERROR", "VOLSERBADNAME",
      "VOLSERVOLMOVED", "VOLSERBADOP", "VOLSERBADRELEASE", "VOLSERVOLBUSY", "VOLSERNO_MEMORY", "VOLSERNOVOL",
      "VOLSERMULTIRWVOL", "VOLSERFAILEDOP",
    ])
}
