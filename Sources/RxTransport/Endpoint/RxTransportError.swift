import Glibc

/// Why no transport could be opened.
public enum RxTransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The UDP port is in use by another program.
  case portTaken(UInt16)
  /// A system call failed with this errno.
  case system(String, Int32)

  public var description: String {
    switch self {
    case .portTaken(let port): "UDP port \(port) is in use"
    case .system(let call, let error): "\(call): \(String(cString: strerror(error)))"
    }
  }
}
