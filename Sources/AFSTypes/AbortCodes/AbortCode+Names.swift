import Glibc

extension AbortCode {
  /// The code's name in OpenAFS's sources; the number if it has none.
  ///
  /// The ranges do not overlap, so that the service need not be known, but for errno values: those above 100
  /// are taken for volume codes.
  public var name: String {
    if let name = Self.volumeNames[rawValue] ?? Self.rxNames[rawValue] ?? uaeEntry?.name { return name }
    for table in ErrorTable.all {
      if let name = table.name(of: rawValue) { return name }
    }
    if let errno = plainErrno, let entry = Self.uaeTable.first(where: { $0.errno == errno }) {
      return "E" + entry.name.dropFirst(3)
    }
    return String(rawValue)
  }

  /// The name of a code which means the same in whatever service: Rx's own, its stubs' and its security classes'.
  var protocolName: String? {
    if let name = Self.rxNames[rawValue] { return name }
    return ErrorTable.ofSecurityClasses.lazy.compactMap { $0.name(of: rawValue) }.first
  }

  /// The errno that the code stands for: a universal error code, the two volume codes which are errno values in
  /// disguise, or an errno sent as it is by a server which does not translate. Nil for everything that asks for an
  /// action of the client's (VBUSY, VMOVED ...) or comes from another service.
  public var posixErrno: Int32? {
    if let entry = uaeEntry { return entry.errno }
    switch self {
    case .vDiskFull: return ENOSPC
    case .vOverQuota: return EDQUOT
    default: return plainErrno
    }
  }

  /// Values from 1 to 100 are errno values of the server's system. Those up to 34 (ERANGE) mean the same on every
  /// Unix; above, Linux's meaning is taken.
  private var plainErrno: Int32? {
    1...100 ~= rawValue ? rawValue : nil
  }
}
